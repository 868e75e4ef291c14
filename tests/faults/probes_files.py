"""Actions of a test of files inside the process that it starts."""

import errno
import itertools
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from colourize.errors import InputError
from colourize.runs import checkpoint
from tests.faults.probes import in_step


def contents(number: int) -> dict[str, Any]:
    """A checkpoint of 2 MB; every weight is its number."""
    state = {f"layer{name}.weight": torch.full((50, 500), float(number)) for name in range(20)}
    return {"config": {"seed": number}, "state_dict": state}


def save_for_ever(path: str, done: str, first: int, temporary: str | None = None) -> None:
    """Saves checkpoints 1, 2, 3, ..., and records each finished one in a file; ``temporary`` replaces /tmp."""
    if temporary is not None:
        os.environ["TMPDIR"], tempfile.tempdir = temporary, None
        assert tempfile.gettempdir() == temporary
    file = os.open(done, os.O_WRONLY | os.O_CREAT)
    for number in itertools.count(first):
        checkpoint.write(contents(number), Path(path))
        os.pwrite(file, f"{number:9}".encode(), 0)


def without_links(*args: Any) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def killed_at_operation(path: str, number: int, links: bool) -> None:
    """Saves 1, 2 and 3, and kills the process before the given file operation of the third save."""
    if not links:
        os.link = without_links  # type: ignore[assignment]
    for saved in (1, 2):
        checkpoint.write(contents(saved), Path(path))
    operations = itertools.count()

    def hook(event: str, args: tuple) -> None:
        if event in ("open", "os.link", "os.rename", "os.remove") and next(operations) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    checkpoint.write(contents(3), Path(path))


def on_sync(save: int, action: Callable[[], Any]) -> None:
    """Calls ``action`` before the fsync of every save of a checkpoint from the given one on, counted from 1."""
    saves, original = itertools.count(1), os.fsync

    def fsync(descriptor: int) -> None:
        if ".ckpt." in os.readlink(f"/proc/self/fd/{descriptor}") and next(saves) >= save:
            action()
        original(descriptor)

    os.fsync = fsync


def kill_on_sync(save: int) -> None:
    on_sync(save, lambda: os.kill(os.getpid(), signal.SIGKILL))


def full_on_sync(save: int) -> None:
    """From that save on the disk is full, reported at fsync as by a network file system."""

    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    on_sync(save, full)


def limit_in_step(step: int, size: int) -> None:
    """From that step on, files cannot grow beyond ``size`` bytes."""

    def action(module: Any, at: int) -> None:
        if at == step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    in_step(action)


def fill_in_step(before: str, step: int, filler: str, left: int) -> None:
    """Fills the disk in that step except for some bytes, and copies the earlier files elsewhere."""

    def action(module: Any, at: int) -> None:
        if at == step:
            shutil.copytree(Path(module.trainer.default_root_dir) / "checkpoints", before)
            disk = os.statvfs(Path(filler).parent)
            with Path(filler).open("wb") as file:
                file.write(bytes(disk.f_bavail * disk.f_frsize - left))

    in_step(action)


def read_all(reader: Callable[[str], Any], files: list[str], answers: str) -> None:
    """Reads checkpoints, and writes for each the message and by how many MB the peak memory grew."""

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

    found = {}
    for file in files:
        before = peak()
        try:
            reader(file)
            printed = "read"
        except (InputError, RuntimeError) as error:
            printed = str(error)
        found[Path(file).name] = printed, peak() - before
    Path(answers).write_text(json.dumps(found))
