"""Checkpoint files: the only writer and the only reader.

A file contains only tensors and plain values, never code, and suffices to rebuild its network and palette
(``runs.trained``). Format 2 contains ``format``, ``config`` as returned by ``stored.packed``, ``state_dict`` and
Lightning's values for a resume.
"""

import io
import logging
import os
from pathlib import Path
from typing import Any

import torch

from colourize import files
from colourize.errors import InputError, one_line
from colourize.runs import archive, format1, formats

log = logging.getLogger(__name__)
LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"


def write(contents: dict[str, Any], path: Path) -> None:
    """Replaces the file atomically (``files.replace``). The earlier ``last.ckpt`` stays as ``previous.ckpt``.

    Raises:
        InputError: the disk is full, or the folder cannot be written; the earlier file stays intact.
    """
    buffer = io.BytesIO()
    torch.save({**contents, **formats.written(contents["config"])}, buffer)
    try:
        files.replace(path, lambda file: file.write(buffer.getbuffer()), lambda: _keep(path))
    except OSError as error:
        size = buffer.getbuffer().nbytes / 1e6
        raise InputError(
            f"{path}: {size:.2f} MB could not be saved ({error.strerror}); earlier files are intact; make room"
        ) from error


def _keep(path: Path) -> None:
    """Links ``last.ckpt`` to a second name before it is replaced."""
    if path.name != LAST or not path.exists():
        return
    spare = path.with_name(f".{PREVIOUS}.tmp")
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
        os.replace(spare, path.with_name(PREVIOUS))
    except OSError:  # a file system without links
        os.replace(path, path.with_name(PREVIOUS))


def read(path: str | Path) -> dict[str, Any]:
    """Reads one of our checkpoints to the CPU. A pickle that runs code is refused.

    Raises:
        InputError: the file does not exist, is damaged, or is not a checkpoint of colourize.
    """
    path = files.expanded(path)
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; pass a file such as RUN_FOLDER/checkpoints/{LAST}")
    try:
        contents = torch.load(archive.verified(path), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # zipfile and torch raise many types for a damaged file
        cause = type(error).__name__
        raise InputError(f"{path} is damaged or not a checkpoint ({cause}); pass another file") from error
    archive.check_tensors(path, contents, path.stat().st_size)
    if not isinstance(contents, dict) or not {"config", "state_dict"} <= contents.keys():
        raise InputError(f"{path} was not written by colourize: it lacks config or state_dict; pass another file")
    return _in_todays_form(contents, path)


def _in_todays_form(contents: dict[str, Any], path: Path) -> dict[str, Any]:
    """The contents with current names and without the format's number; raises InputError as ``formats.config``."""
    number = contents.pop("format", 1)
    config = formats.config(contents["config"], number, path)
    return {**formats.renamed(format1.states(contents) if number == 1 else contents), "config": config}


def of_run(path: Path) -> Path:
    """The file itself, or the best checkpoint of a run folder.

    Raises:
        InputError: the folder has no checkpoint.
    """
    if not path.is_dir():
        return path
    for name in (BEST, LAST):
        if (file := path / "checkpoints" / name).is_file():
            return file
    raise InputError(f"{path} contains no checkpoints/{BEST}; pass a run folder or a checkpoint")


def newest(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest readable checkpoint of a run, with its contents. Damaged ones are logged and skipped."""
    found = [file for name in (LAST, PREVIOUS, BEST) if (file := folder / name).is_file()]
    found.sort(key=lambda file: (file.name == LAST, file.stat().st_mtime_ns), reverse=True)
    for file in found:
        try:
            contents = read(file)
        except InputError as error:
            log.warning("%s", one_line(error).replace("; pass another file", ""))
        else:
            if file.name != LAST:
                log.warning("%s is the newest undamaged checkpoint", file)
            return file, contents
    if found:
        log.warning("%s contains no undamaged checkpoint", folder)
    return None
