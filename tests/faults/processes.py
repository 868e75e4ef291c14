"""Real processes with real signals, forked from a process that has imported everything: a start takes 0.1 seconds."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra

from colourize import files
from colourize.tasks.colourization import results
from colourize.training.distributed import team

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "tests",
        "colourize.cli.commands",
        "colourize.cli.train",
        "colourize.tasks.chosen",
        "colourize.evaluation.comparison",
        "tests.faults.probes",
        "optuna",
        "tensorboard",
        "tests.faults.warm",
    ]
)

SMALL = (
    "data=scenes", "data.num_train=40", "data.num_validation=8", "image_size=8", "num_filters=2", "num_colours=4",
    "batch_size=4", "max_epochs=4", "trainer.enable_progress_bar=false",
)  # fmt: skip
"""A run of 40 steps, ten an epoch."""

FOLDER = (
    "data=folder", "data.root=pictures", "image_size=16", "num_filters=1", "num_colours=4", "batch_size=2",
    "max_epochs=1", "trainer.enable_progress_bar=false",
)  # fmt: skip
"""A run of three steps on the fixture ``pictures``."""


def forked(target: Callable[..., Any], *given: Any) -> Any:
    """A forked process that calls the target."""
    process = CONTEXT.Process(target=target, args=given)
    process.start()
    return process


class Process:
    """``python train.py WORDS`` in the folder ``cwd``.

    Args:
        words: the command line.
        cwd: where it runs.
        probe: called in the process before the command, with ``given``; it may patch anything.
        verb: another command than ``train``.
        figures: whether a run draws its figures, which takes a fifth of the time of a small run.
        fresh: whether other ranks are new interpreters, as for users, which takes ten seconds; otherwise forks.
    """

    def __init__(
        self,
        *words: Any,
        cwd: Path,
        probe: Callable[..., None] | None = None,
        given: tuple = (),
        verb: str = "train",
        figures: bool = False,
        fresh: bool = False,
    ) -> None:
        self.out, self.err = (cwd / f".{name}.{time.monotonic_ns()}" for name in ("out", "err"))
        plain = [str(word) for word in words], str(cwd), str(self.out), str(self.err)
        arguments = (*plain, probe, given, verb, figures, fresh)
        self.process = CONTEXT.Process(target=_command, args=arguments)
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    def wait(self, seconds: float = 150) -> int:
        """The exit status, negative for a signal that killed it."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            raise TimeoutError(f"still running after {seconds} s; it said:\n{self.stdout()}{self.stderr()}")
        return self.process.exitcode

    def wait_for(self, condition: Callable[[], Any], seconds: float = 150) -> None:
        """Waits until the condition holds while the process runs."""
        end = time.monotonic() + seconds
        while not condition():
            if self.process.exitcode is not None or time.monotonic() > end:
                raise TimeoutError(f"exit {self.process.exitcode}; it said:\n{self.stdout()}{self.stderr()}")
            time.sleep(0.002)

    def kill(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()

    def stdout(self) -> str:
        return self.out.read_text() if self.out.exists() else ""

    def stderr(self) -> str:
        return self.err.read_text() if self.err.exists() else ""


def _command(
    words: list[str],
    cwd: str,
    out: str,
    err: str,
    probe: Any,
    given: tuple,
    verb: str,
    figures: bool,
    fresh: bool,
) -> None:
    os.setpgid(0, 0)
    os.chdir(cwd)
    for descriptor, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with SIGINT ignored
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup ignores
    os.environ["COLUMNS"] = "200"
    files.STARTED = time.time()  # a fork has it from the process that imported everything
    sys.argv = ["train.py", *words] if verb == "train" else ["colourize", verb, *words]
    if not any(word.startswith(("experiment", "hydra.mode", "--", "resume")) for word in words):
        Hydra.get_mode = lambda self, **given: None  # what it finds in a fifth of a small run's time
    if not figures:
        results.strip_figure = results.save = results.save_curves = lambda *drawn: None  # type: ignore[assignment]
    if not fresh:
        team.follower = Follower  # type: ignore[assignment]
    if probe is not None:
        probe(*given)
    from colourize.cli.main import main
    from colourize.cli.train import train

    train() if verb == "train" else main()


class Follower:
    """Another rank as a fork of rank 0, with the methods of ``subprocess.Popen``."""

    def __init__(self, words: list[str]) -> None:
        self.process = multiprocessing.get_context("fork").Process(target=_follow, args=(words,))
        self.process.start()
        self.pid = self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        if (status := self.process.exitcode) is None:
            raise subprocess.TimeoutExpired("rank", timeout or 0)
        return status

    def kill(self) -> None:
        self.process.kill()


def _follow(words: list[str]) -> None:
    os.closerange(3, 4096)  # sockets and locks of rank 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from colourize.cli import follow

    os._exit(follow.main(words[0], *map(int, words[1:])))


def assert_a_second_signal_ends(process, begun, first, second=signal.SIGTERM):
    """Two signals while the process is busy: the first waits for it, the second ends it at once, with one line."""
    process.wait_for(lambda: time.sleep(0.3) is None and begun.exists())
    process.signal(first)
    process.wait_for(lambda: time.sleep(0.5) is None)
    process.signal(second)
    assert process.wait(20) == 128 + second
    name = signal.Signals(second).name
    assert process.stderr() == f"colourize: second {name}: ended at once; the same command continues\n"
