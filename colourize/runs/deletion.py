"""``colourize runs --delete-failed``: deletes the folders of failed runs, and nothing else."""

import os
import shutil
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from filelock import FileLock, Timeout

from colourize.present import terminal
from colourize.runs import manifest, run_folder

FAILED = "failed"


def obstacle(folder: Path) -> str:
    """Why a folder must not be deleted; empty if it contains only a failed run that no process uses.

    A link in it is an obstacle, except those of W&B, and so is any file that no run writes: a person's notes or copies,
    or another run's folder.
    """
    if folder.is_symlink():
        return "is a link"
    if run_folder.state(folder) != FAILED:
        return f"is {run_folder.state(folder)}, not {FAILED}"
    known = *run_folder.WRITTEN_IN_PLACE, *run_folder.REPLACED
    for entry in sorted(folder.iterdir()):
        if not any(fnmatchcase(entry.name, pattern) for pattern in known):
            return f"contains {entry.name}, which no run writes"
    for path in _below(folder):
        name = path.relative_to(folder)
        if path.is_symlink() and name.parts[0] == "wandb":
            continue  # W&B's own, such as latest-run; deleting a link leaves its target
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            return f"contains {name}, which must be a regular file"
        if path.name == manifest.NAME and path.parent != folder:
            return f"contains another run, {name.parent}"
        inner = path.parent != folder and path.is_file()
        if inner and not any(fnmatchcase(name.as_posix(), pattern) for pattern in run_folder.INSIDE):
            return f"contains {name}, which no run writes"
    return ""


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):  # does not follow links
        yield from (Path(place) / name for name in sorted([*folders, *names]))


def delete(folder: Path) -> str:
    """Deletes the folder of a failed run, under its lock; returns the obstacle if there is one now.

    Raises:
        OSError: a file cannot be deleted.
    """
    if reason := obstacle(folder):
        return reason
    try:
        with FileLock(folder / run_folder.LOCK, timeout=0):
            if manifest.read(folder).get("status") != FAILED:
                return f"is not {FAILED} any more"
            shutil.rmtree(folder)  # removes links, and does not follow them
    except Timeout:
        return "is in use"
    return ""


def delete_all(folders: Sequence[Path]) -> None:
    """Deletes the folders one by one, and prints each with its result."""
    for folder in folders:
        reason = delete(folder)
        print(terminal.cleaned(f"kept {folder}: {reason}" if reason else f"deleted {folder}"))
