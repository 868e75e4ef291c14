"""Actions of a test of pictures inside the process that it starts."""

import errno
import os
import resource
import signal
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torchvision.datasets import CIFAR10

from colourize.data import cifar10
from colourize.data.read import MAX_PIXELS, UnreadablePicture, read_rgb
from tests.faults.probes import no_report


def served(attributes: dict[str, Any], then: Callable[..., None] | None = None, *given: Any) -> None:
    """Makes torchvision use another archive by URL and checksums. Usually leaves out the report."""
    os.environ["no_proxy"] = "127.0.0.1"
    no_report()
    for name, value in attributes.items():
        setattr(CIFAR10, name, value)
    if then is not None:
        then(*given)


def patience(seconds: float) -> None:
    cifar10.TIMEOUT = seconds


def note_missing(folder: str) -> None:
    """Writes a file named after the process when it finds the pictures missing."""
    original = CIFAR10.__init__

    def init(self: CIFAR10, *words: Any, **settings: Any) -> None:
        try:
            original(self, *words, **settings)
        except RuntimeError:
            Path(folder, str(os.getpid())).touch()
            raise

    CIFAR10.__init__ = init


def _in_member(member: int, action: Callable[[Any], None]) -> None:
    """Calls ``action(file)`` when half of a member of an archive is unpacked; members are counted from 0."""
    original, begun = tarfile.copyfileobj, []

    def copyfileobj(source: Any, target: Any, length: int, *others: Any) -> None:
        begun.append(target)
        if len(begun) == member + 1:
            target.write(source.read(length // 2))
            target.flush()
            action(target)
        original(source, target, length, *others)

    tarfile.copyfileobj = copyfileobj


def kill_in_member(member: int) -> None:
    _in_member(member, lambda file: os.kill(os.getpid(), signal.SIGKILL))


def full_in_member(member: int) -> None:
    def full(file: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    _in_member(member, full)


def small_files(size: int) -> None:
    """Limits the size of files, so that the system refuses a real write."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def read_only(folder: str) -> None:
    """Refuses every change in a folder, like a read-only file system; this also applies to root."""
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    changing = {"mkdir", "rmdir", "remove", "rename", "link", "symlink", "truncate", "utime", "chmod", "chown"}

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            paths = arguments[:1] if arguments[2] & writing else ()
        else:
            paths = arguments[:2] if event.removeprefix("os.") in changing and event.startswith("os.") else ()
        for path in paths:
            if isinstance(path, str | os.PathLike) and Path(os.path.abspath(path)).is_relative_to(folder):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    sys.addaudithook(audit)


def peak() -> float:
    """The peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def read(file: str, report: str, max_pixels: int = MAX_PIXELS) -> None:
    """Reads a picture; reports the memory before and its peak in MB, then the size or the reason for refusal."""
    before = peak()
    try:
        message = "{} x {}".format(*read_rgb(Path(file), max_pixels).size)
    except UnreadablePicture as error:
        message = str(error)
    Path(report).write_text(f"{before} {peak()} {message}")
