"""Reads many picture files in threads and records their faults. N files, S image size."""

import hashlib
import logging
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np

from colourize.data.read import UnreadablePicture, read_rgb, square
from colourize.files import printable
from colourize.present.bar import bar

log = logging.getLogger(__name__)

BATCH = 32  # files per task of a thread
NAMED = 10  # files named in the log for each kind of fault
GREY = 8  # of 255: the largest difference between channels in a grey picture
GREY_SHARE = 0.2  # share of grey pictures above which the log says so


class Report(TypedDict):
    """The report that is cached with the arrays; ``unreadable`` and ``profiles`` are pairs of path and reason."""

    unreadable: list[tuple[str, str]]
    profiles: list[tuple[str, str]]
    """Files with a broken colour profile."""
    grey: tuple[int, list[str]]
    """The number of grey pictures, and the paths of the first ones."""
    checksums: list[int]
    """CRC-32 of the training and of the validation array."""


@dataclass
class Found:
    """The result of reading N files: a hash of each file's bytes (b"" if it is unreadable), and faults by row."""

    hashes: list[bytes]
    unreadable: dict[int, str] = field(default_factory=dict)
    profiles: dict[int, str] = field(default_factory=dict)
    grey: list[int] = field(default_factory=list)

    def report(self, files: Sequence[str], checksums: list[int]) -> Report:
        """The faults in the order of the files, so that the report does not depend on the threads."""
        unreadable, profiles = (
            [(files[row], reasons[row]) for row in sorted(reasons)] for reasons in (self.unreadable, self.profiles)
        )
        grey = len(self.grey), [files[row] for row in sorted(self.grey)[:NAMED]]
        return {"unreadable": unreadable, "profiles": profiles, "grey": grey, "checksums": checksums}


def read_files(root: Path, files: Sequence[str], pictures: np.ndarray, workers: int | None, profiles: bool) -> Found:
    """Fills ``pictures``, uint8 [N, S, S, 3], from the files. The picture of an unreadable file stays undefined.

    Args:
        root: the folder of the files.
        files: paths below ``root``.
        pictures: the array to fill.
        workers: the number of threads; None: Python's default.
        profiles: whether colours that a file declares are converted to sRGB.
    """
    found = Found([b""] * len(files))

    def take(start: int) -> int:
        rows = range(start, min(start + BATCH, len(files)))
        for row in rows:
            _read_file(root / files[row], row, pictures, profiles, found)
        return len(rows)

    # Pillow warns of odd metadata; the filter is global, so it is set here, outside the threads.
    ignored = warnings.catch_warnings(action="ignore")
    with ignored, bar("Reading pictures", len(files)) as show, ThreadPoolExecutor(workers) as pool:
        for done in pool.map(take, range(0, len(files), BATCH)):
            show(advance=done)
    return found


def status(path: str | Path) -> tuple[int, int]:
    """Size and modification time of a file, by which a changed file is recognized; -1 for a missing file."""
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _read_file(path: Path, row: int, pictures: np.ndarray, profiles: bool, found: Found) -> None:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        found.unreadable[row] = error.strerror or str(error)
        return
    read_content(content, row, pictures, profiles, found)


def read_content(content: bytes, row: int, pictures: np.ndarray, profiles: bool, found: Found) -> None:
    """Reads a file's content as the picture of a row; records its hash and faults. Arguments as in ``read_files``."""
    size = pictures.shape[1]
    ignored: list[str] = []
    try:
        image = read_rgb(content, at_least=size, profiles=profiles, ignored=ignored)
        pictures[row] = np.asarray(square(image, size))
        found.hashes[row] = hashlib.blake2b(content, digest_size=16).digest()
    except (UnreadablePicture, OSError) as error:
        found.unreadable[row] = getattr(error, "strerror", None) or str(error)
        return
    if ignored:
        found.profiles[row] = ignored[0]
    if is_grey(pictures[row]):
        found.grey.append(row)


def is_grey(picture: np.ndarray) -> bool:
    """Whether the channels of every pixel differ by at most ``GREY``: uint8 [H, W, 3]."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool(spread.max() <= GREY)


def log_faults(root: str | Path, report: Report, num_files: int) -> None:
    """Logs the faults of a folder's files; the text is the same for files and for the cache."""
    unreadable = report["unreadable"]
    if unreadable:
        log.warning("%d of %d pictures in %s cannot be read and are left out:", len(unreadable), num_files, root)
        _log_paths([f"{printable(path)}: {reason}" for path, reason in unreadable], len(unreadable))
    if broken := report["profiles"]:
        log.warning("%d embedded colour profiles in %s are broken and ignored:", len(broken), root)
        _log_paths([f"{printable(path)}: {reason}" for path, reason in broken], len(broken))
    grey, first = report["grey"]
    readable = num_files - len(unreadable)
    if grey > GREY_SHARE * readable:
        share = f"all {grey}" if grey == readable else f"{grey} of {readable} ({grey / readable:.0%})"
        log.warning("%s pictures in %s are grey and have no colours to learn:", share, root)
        _log_paths([printable(path) for path in first], grey)


def _log_paths(lines: Sequence[str], count: int) -> None:
    for line in lines[:NAMED]:
        log.warning("  %s", line)
    if count > NAMED:
        log.warning("  and %d more", count - NAMED)
