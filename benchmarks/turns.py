"""Contestants that take turns, each in its own process, so that they do not share memory, threads or imports."""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from colourize import imports
from colourize.errors import one_line
from colourize.private import python

ROOT = Path(__file__).parent.parent


class Contestant:
    """``module.function(*words)`` in a process: it is built there, then called once for each turn."""

    def __init__(self, target: str, words: Sequence[str]) -> None:
        self.name = " ".join([target, *words])
        command = [sys.executable, "-m", "benchmarks.turns", target, *words]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()  # after it is built

    def __call__(self) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write("turn\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """Waits for the process's next line, and returns its JSON value."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.end()
            raise SystemExit(f"benchmarks: {self.name} ended with status {self.process.returncode}")
        return json.loads(line)

    def end(self) -> None:
        """Closes the process's input, and waits until it ends."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def contestants(targets: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Contestant]]:
    """Starts a process for each name. A target is ``module.function`` below ``benchmarks``, with its arguments."""
    with contextlib.ExitStack() as stack:
        started = {}
        for name, (target, *words) in targets.items():
            started[name] = Contestant(target, words)
            stack.callback(started[name].end)
        yield started


def timed(*command: str) -> Callable[[], float]:
    """A turn: the seconds of Python with these words, in a new interpreter. ``FOLDER`` is a new folder of each turn."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            words = [word.replace("FOLDER", folder) for word in command]
            begin = time.perf_counter()
            done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT)
            if done.returncode:
                raise SystemExit(f"benchmarks: {' '.join(words[-3:])} failed: {done.stderr.strip()}")
            return time.perf_counter() - begin

    return run


def answer() -> None:
    """The loop of a contestant's process: writes a JSON line when it is built, and one for every line that it reads."""
    target, *words = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # other output goes to standard error
    module, _, function = target.partition(".")
    with imports.quick("torch"):
        made = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    turn = made(*words)
    print("null", file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(turn()), file=answers, flush=True)
    python.leave(0)


if __name__ == "__main__":
    try:
        answer()
    except Exception as error:  # Hydra's, colourize's and torch's have no common kind
        sys.exit(f"benchmarks: {' '.join(one_line(error).split())}")
