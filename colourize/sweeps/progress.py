"""One progress bar for a sweep with parallel jobs, instead of one per job."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from colourize import files
from colourize.present import terminal

UPDATE_INTERVAL = 1.0  # seconds
AN_HOUR = 3600.0
OUTPUT = "output.txt"


class SweepProgress:
    """Shows on standard error how many jobs of a sweep are done: a bar on a terminal, else a line per change.

    Args:
        total: number of jobs.
        states: returns the states in the manifests of all started jobs.
    """

    def __init__(self, total: int, states: Callable[[], list[str]]) -> None:
        from rich import progress  # late: shell completion imports this module at every TAB

        self.total, self.states, self.described = total, states, ""
        self.console = terminal.console(stderr=True, soft_wrap=False)
        words = progress.TextColumn("{task.description}")
        columns = progress.BarColumn(), progress.MofNCompleteColumn(), words, progress.TimeElapsedColumn()
        left = progress.TextColumn("left"), progress.TimeRemainingColumn()
        self.bar = progress.Progress(
            *columns, *left, console=self.console, speed_estimate_period=AN_HOUR,
            disable=not self.console.is_terminal,
        )  # fmt: skip
        self.task = self.bar.add_task("", total=total, completed=_done(states()))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Starts a thread that updates the bar once per second."""
        self.bar.start()
        self.thread.start()

    def _watch(self) -> None:
        while not self.ended.wait(UPDATE_INTERVAL):
            self.update()

    def update(self) -> None:
        """Shows the current counts."""
        states = self.states()
        done, failed = _done(states), states.count("failed")
        described = f"{states.count('running')} running" + (f", {failed} failed" if failed else "")
        self.bar.update(self.task, completed=done, description=described)
        line = f"{done} of {self.total} jobs done, {described}"
        if not self.console.is_terminal and line != self.described:
            self.console.print(f"colourize: {line}")
        self.described = line

    def end(self) -> None:
        """Shows the final counts and stops the bar."""
        self.ended.set()
        self.thread.join()
        self.update()
        self.bar.stop()


def _done(states: list[str]) -> int:
    return states.count("finished") + states.count("failed")


@contextlib.contextmanager
def written_to(folder: Path) -> Iterator[None]:
    """Redirects all output of this process, including that of C libraries, to ``output.txt`` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files.check_no_links([folder / OUTPUT])
    kept = [os.dup(number) for number in (1, 2)]
    with (folder / OUTPUT).open("a") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            for stream, number, before in zip((sys.stdout, sys.stderr), (1, 2), kept, strict=True):
                stream.flush()
                os.dup2(before, number)
                os.close(before)
