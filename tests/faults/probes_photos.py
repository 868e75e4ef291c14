"""What a test of photos makes happen inside the process that it starts."""

import errno
import os
import resource
import signal
import stat
import time
from pathlib import Path
from typing import Any

from colourize.data.preparation import examination
from colourize.inference import photo
from colourize.inference.film import film


def slowly(seconds: float) -> None:
    """Each picture takes so long at least."""
    original = photo.run

    def run(*given: Any) -> Any:
        time.sleep(seconds)
        return original(*given)

    photo.run = run


def note_peak(path: str) -> None:
    """Leaves the peak of the process's memory so far, in MB, in a file after each picture."""
    original = photo.run

    def run(*given: Any) -> Any:
        outcome = original(*given)
        Path(path).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
        return outcome

    photo.run = run


def full_disk() -> None:
    """No file can be synchronized."""

    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.fsync = fsync


def stuck(mark: str) -> None:
    """A picture or a frame takes an hour; the file ``mark`` says that it has begun."""

    def examine(*given: Any) -> Any:
        Path(mark).touch()
        time.sleep(3600)

    def photo_run(*given: Any) -> Any:
        Path(mark).touch()
        time.sleep(3600)

    def film_colour(*given: Any, progress: Any, **choices: Any) -> Any:
        progress(0, 1)
        Path(mark).touch()
        for _ in range(3600):
            time.sleep(1)

    photo.run, film.colour, examination.examine = photo_run, film_colour, examine  # type: ignore[assignment]


def killed(number: int) -> None:
    """A kill -9 before a temporary file is complete: that of the given number."""
    original, calls = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        original(descriptor)

    os.fsync = fsync
