"""Finds ranks that were killed, were stopped or have failed, and ends this rank, too.

Each rank shows in the store every second that it lives. A thread of rank 0 looks at all others, the others' threads at
rank 0. Where the main thread waits in a sum with a lost rank, torch raises an error as soon as that process has ended;
where it waits for a stopped process, the thread ends this process.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from colourize.errors import InputError, Interrupted, one_line
from colourize.training.distributed.place import Place

BEAT = 0.5  # seconds
SILENT = 20.0  # seconds without a beat after which a rank counts as lost
OVERDUE = 5.0  # seconds without a beat after which a rank is to blame for a connection that broke
GRACE = 4.0  # seconds in which the main thread may end by itself
FAILED = "failed"
WAKES = signal.SIGURG  # ignored by default; Slurm and submitit send SIGUSR1 and SIGUSR2


class RankError(InputError):
    """Another rank has failed or was lost; ``cause`` says which one."""

    def __init__(self, cause: dict[str, Any]) -> None:
        super().__init__(text_of(cause))
        self.cause = cause


class Watch(threading.Thread):
    """The thread of one rank in one run.

    Args:
        store: connection to the store of the run, for this thread alone.
        place: the place of this process.
        children: on rank 0, the processes that it started, for rank 1 and on.
        parent: process that started this one; 0: not colourize.
        last_words: called with the cause before this thread ends the process.
    """

    def __init__(
        self,
        store: Any,
        place: Place,
        children: Sequence["subprocess.Popen[bytes]"] = (),
        parent: int = 0,
        last_words: Callable[[str], Any] = lambda text: None,
    ) -> None:
        super().__init__(daemon=True, name="colourize-watch")
        self.store, self.place, self.children, self.parent = store, place, children, parent
        self.last_words = last_words
        self.known = threading.Event()  # a cause was found
        self.over = threading.Event()  # the main thread has left the run
        self.cause: dict[str, Any] = {}
        self.beats: dict[int, tuple[bytes, float]] = {}
        self.count = 0
        self.looks = 0
        self.found: dict[str, Any] = {}  # the cause for which this rank must end

    def start(self) -> None:
        """Shows in the store that this rank lives, so that the others notice its end, and starts the thread."""
        self.store.set(f"beat/{self.place.rank}", "0")
        super().start()

    def run(self) -> None:
        """Ends this rank if the other thread finds a failure, or if that thread waits for a rank 0 that is stopped.

        It counts its own rounds, because all clocks run on while this process itself is stopped.
        """
        threading.Thread(target=self._ask, daemon=True, name="colourize-ask").start()
        silent = before = 0
        while not self.over.wait(BEAT):
            silent = silent + 1 if self.looks == before else 0
            before = self.looks
            found = self.found
            if not found and silent * BEAT > SILENT:
                found = {"rank": 0, "line": f"has not answered for {SILENT:.0f} s"}
            if found and not self.over.is_set():
                self._end(found)
                return

    def _ask(self) -> None:
        """Looks at the store, without a time limit: torch's function that checks for a key has none."""
        while not self.over.wait(BEAT) and not self.found:
            begin = time.monotonic()
            try:
                self.found = self._look(begin)
            except RuntimeError:  # the store is gone, and with it rank 0, or it has not answered
                if time.monotonic() - begin < SILENT + 10:  # otherwise this process itself was stopped
                    self.found = {"rank": 0, "line": "is gone or does not answer"}
            self.looks += 1

    def _look(self, now: float) -> dict[str, Any]:
        """The cause for which this rank must end; empty: none."""
        self.count += 1
        self.store.set(f"beat/{self.place.rank}", str(self.count))
        ended = [(rank, child) for rank, child in enumerate(self.children, 1) if child.poll()]  # before the next line
        if self.store.check([FAILED]):
            cause: dict[str, Any] = json.loads(self.store.get(FAILED))
            return {} if cause["rank"] == self.place.rank else cause
        for rank, child in ended:
            if not self.store.check([f"left/{rank}"]):
                return {"rank": rank, "line": f"(process {child.pid}) {_ending(child.returncode)}"}
        others = range(1, self.place.size) if self.place.rank == 0 else [0]
        return next((found for rank in others if (found := self._silent(rank, now))), {})

    def _silent(self, rank: int, now: float) -> dict[str, Any]:
        """Whether a rank has shown no beat for too long. It is watched from its first beat on."""
        if not self.store.check([f"beat/{rank}"]):
            return {}
        beat = self.store.get(f"beat/{rank}")
        before, since = self.beats.get(rank, (b"", now))
        last = getattr(self, "looked", now)
        self.looked = now
        if beat != before or now - last > 10:  # this process itself was stopped in between
            self.beats[rank] = beat, now
        elif now - since > SILENT and not self.store.check([f"left/{rank}"]):
            return {"rank": rank, "line": f"has not answered for {SILENT:.0f} s"}
        return {}

    def suspect(self) -> dict[str, Any]:
        """The rank without a beat for longest, if its next one is long overdue: the cause of a broken connection."""
        rank, (_, since) = min(self.beats.items(), key=lambda each: each[1][1], default=(0, (b"", math.inf)))
        age = time.monotonic() - since
        return {"rank": rank, "line": f"has not answered for {age:.0f} s"} if age > OVERDUE else {}

    def _end(self, cause: dict[str, Any]) -> None:
        """Ends a silent process, wakes the main thread, and ends this process if that does not help."""
        self.cause = cause
        self.known.set()
        if self.place.rank == 0 and self.children:
            self.children[cause["rank"] - 1].kill()
        elif cause["rank"] == 0 and "kind" not in cause and self.parent and os.getppid() == self.parent:
            with contextlib.suppress(OSError):
                os.kill(self.parent, signal.SIGKILL)  # it is stopped: nobody else would end it
        time.sleep(0.2)  # torch reports an ended process at once
        if not self.over.is_set() and signal.getsignal(WAKES) is _wake:
            signal.pthread_kill(threading.main_thread().ident or 0, WAKES)
        if not self.over.wait(GRACE):
            self.last_words(text_of(cause))
            for child in self.children:
                child.kill()
            os._exit(128 + cause.get("signum", 0) if cause.get("signum") else 1)

    def tell(self, error: BaseException, bug: bool) -> None:
        """Tells the others that this rank has failed, unless another one was first."""
        cause = {"rank": self.place.rank, "line": one_line(error), "bug": bug, "kind": type(error).__name__}
        if isinstance(error, Interrupted):
            cause["signum"] = int(error.code or 0) - 128
        with contextlib.suppress(RuntimeError):
            self.store.clone().compare_set(FAILED, "", json.dumps(cause))

    def pass_on(self) -> None:
        """Tells the others which rank is lost."""
        with contextlib.suppress(RuntimeError):
            self.store.clone().compare_set(FAILED, "", json.dumps(self.cause))

    def leave(self) -> None:
        """Tells the others that this rank ends in order."""
        with contextlib.suppress(RuntimeError):
            self.store.clone().set(f"left/{self.place.rank}", "1")


def error_of(cause: dict[str, Any]) -> BaseException:
    """The error of this rank for the cause on another rank."""
    return Interrupted(cause["signum"]) if cause.get("signum") else RankError(cause)


def text_of(cause: dict[str, Any]) -> str:
    """The cause in a line: "rank 1: the loss is nan ..."."""
    if "kind" not in cause:
        return f"rank {cause['rank']} {cause['line']}; earlier checkpoints are intact, the same command resumes"
    return f"rank {cause['rank']}: {cause['kind'] + ': ' if cause['bug'] else ''}{cause['line']}"


def _ending(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _wake(signum: int, frame: Any) -> None:
    raise _WokenError


class _WokenError(Exception):
    """Raised in the main thread, wherever it is."""


@contextlib.contextmanager
def woken() -> Iterator[None]:
    """Lets the thread wake the main thread, where this is called from the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(WAKES, _wake)
    try:
        yield
    finally:
        signal.signal(WAKES, before)


def is_of_a_lost_rank(error: BaseException) -> bool:
    """Whether an error may be the consequence of another rank's end."""
    text = str(error).lower()
    return isinstance(error, _WokenError) or (
        isinstance(error, RuntimeError)
        and any(word in text for word in ("gloo", "nccl", "peer", "broken pipe", "socket", "timed out", "store"))
    )


def say(text: str) -> None:
    """One line on standard error, also from a process that cannot end in order."""
    with contextlib.suppress(OSError):
        os.write(2, f"colourize: {text}\n".encode())
    sys.stderr.flush()
