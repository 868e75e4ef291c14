"""Any folder of pictures as a data source. N images, S image size.

Splits and classes are folders, both optional; their names are not case-sensitive::

    root/                       root/              root/
      train/                      horse/             a.png
        horse/a.jpg  deep/b.jpg     a.jpg            deep/b.tif
        ship/c.jpg                ship/
      test/                         c.jpg
        horse/d.jpg
    test/ validates             a share validates  a share validates; no classes

- ``val/``, ``valid/`` or ``validation/`` takes precedence over ``test/`` for validation. Files outside the split
  folders are not read.
- A class is a folder directly below its split's folder, or below ``root``; files in its subfolders belong to it.
- A picture is a file with an extension that Pillow can open (HEIC if ``pillow-heif`` is installed), or a file without
  extension that starts like a picture file. Names with a leading dot and ``__MACOSX`` are ignored. Other kinds of
  files are left out, and the log counts them. Links are followed, except to a folder that contains them.
"""

import functools
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from colourize.config import knobs
from colourize.data import cache
from colourize.data.memory import available
from colourize.data.pictures import Pictures, held_out
from colourize.data.read_files import Report, log_faults, read_files, status
from colourize.data.splits import Chosen, ClassSelection, chosen_files
from colourize.errors import InputError
from colourize.files import expanded, printable

FORMAT = 3  # increase it when the same files would give other arrays
SMALL_FILE = 16_000  # mean bytes; for smaller files, waiting for Python's lock costs more than threads gain (2 cores)
PER_PIXEL = 13  # bytes of memory: the picture as it is read, its grey, its label; measured on 49,421 of 96 x 96 pixels
PART = 4096  # pictures copied at a time


def load(
    root: str | Path,
    classes: ClassSelection = "all",
    image_size: int = 32,
    holdout: float = 0.0,
    cache_dir: str | Path = "data/cache",
    mapped: bool = False,
    validation_classes: ClassSelection | None = None,
    profiles: bool = False,
) -> Pictures:
    """The pictures below ``root``, each cropped to its centre square: uint8 [N, S, S, 3], S = ``image_size``.

    The log counts and names unreadable files and ignored profiles; also grey pictures, if they exceed a fifth. The
    arrays stay in ``cache_dir`` until a file is added, removed or changed (size, time), or a setting changes.

    Args:
        root: the folder.
        classes: classes of the training split, as in ``selected_classes``; 'all' includes files without a class.
        image_size: S >= 8.
        holdout: > 0: this share of the training pictures validates, and the validation folder is not read. Without a
            validation folder 0 means 0.1. A file's side depends only on its own bytes (``held_out``).
        cache_dir: folder of the cache.
        mapped: memory-map the arrays in ``cache_dir``, so that they may be larger than memory. While the files are
            read, the arrays take twice their size on disk.
        validation_classes: classes of the validation split; None: the same as ``classes``.
        profiles: convert colours that a file declares (an ICC profile, a PNG's gamma, a camera's Adobe RGB) to sRGB.
            ``conf/data/folder.yaml`` turns it on; runs older than this argument did not convert.

    Raises:
        InputError: a missing folder, a split without readable pictures, an unknown class, a bad setting, or a
            ``train/`` that may be a split or a class.
    """
    root = expanded(root)
    knobs.check_ranges(image_size=image_size, holdout=holdout)
    chosen = chosen_files(root, classes, validation_classes, holdout)
    statuses = np.array([status(os.path.join(root, path)) for path in chosen.files], np.int64)
    settings = chosen.num_train, image_size, chosen.share, profiles
    key = cache.digest(FORMAT, str(root.resolve()), chosen.files, statuses, *settings)

    if not mapped:
        _check_memory(len(chosen.files), image_size)
    workers = 1 if statuses[:, 0].mean() < SMALL_FILE else os.cpu_count()
    build = functools.partial(_built, root, chosen, image_size, cache_dir if mapped else None, workers, profiles)
    endings = ["-train.npy", "-validation.npy", ".json"]
    *sides, report = cache.cached(cache_dir, f"folder-{key}", endings, build, _whole, mapped)
    log_faults(root, report, len(chosen.files))
    train_side, validation_side = map(torch.from_numpy, sides)
    return Pictures(train_side, validation_side, mapped=mapped)


def _built(
    root: Path, chosen: Chosen, image_size: int, scratch: str | Path | None, workers: int | None, profiles: bool
) -> tuple[Any, Any, Report]:
    """Arrays of both splits and the report; with ``scratch``, a folder, streams from an array on disk."""
    shape = len(chosen.files), image_size, image_size, 3
    pictures = np.empty(shape, np.uint8) if scratch is None else cache.scratch(shape, scratch)
    (train, validation), report = _read(root, chosen, pictures, workers, profiles)
    if scratch is None:
        return pictures[train], pictures[validation], report
    return _streamed(pictures, train), _streamed(pictures, validation), report


def _check_memory(count: int, image_size: int) -> None:
    """Refuses pictures that do not fit the memory: otherwise the system kills the process without a message."""
    needed, free = count * image_size**2 * PER_PIXEL, available()
    if needed > free:
        raise InputError(
            f"{count:,} pictures of {image_size} x {image_size} pixels take {needed / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free; pass data.mapped=true, which leaves them on disk"
        )


def _read(
    root: Path, chosen: Chosen, pictures: np.ndarray, workers: int | None, profiles: bool
) -> tuple[list[np.ndarray], Report]:
    """Fills ``pictures``; returns the rows of each split, int64, and the report.

    Raises:
        InputError: a split has no readable picture.
    """
    found = read_files(root, chosen.files, pictures, workers, profiles)
    readable = np.array([content != b"" for content in found.hashes])
    validates = np.arange(len(chosen.files)) >= chosen.num_train
    if chosen.share and readable.any():
        validates[readable] = held_out([content for content in found.hashes if content], chosen.share)
    rows = [np.flatnonzero(readable & side) for side in (~validates, validates)]
    if not all(map(len, rows)):
        path, reason = found.report(chosen.files, [])["unreadable"][0]
        raise InputError(
            f"data.root={root}: {len(rows[0])} readable pictures to train and {len(rows[1])} to validate; "
            f"repair or replace the unreadable files ({len(found.unreadable)}), the first of them {printable(path)} "
            f"({reason})"
        )
    return rows, found.report(chosen.files, [_checksum(pictures, side) for side in rows])


def _streamed(pictures: np.ndarray, rows: np.ndarray) -> cache.Stream:
    return cache.Stream((len(rows), *pictures.shape[1:]), np.uint8, parts(pictures, rows))


def parts(pictures: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The chosen pictures, ``PART`` at a time."""
    for start in range(0, len(rows), PART):
        yield pictures[rows[start : start + PART]]


def _checksum(pictures: np.ndarray, rows: np.ndarray) -> int:
    return functools.reduce(lambda total, part: zlib.crc32(part.data, total), parts(pictures, rows), 0)


def _whole(train: np.ndarray, validation: np.ndarray, report: Report) -> bool:
    """Whether the arrays match the checksums of the report."""
    return report["checksums"] == [zlib.crc32(train.data), zlib.crc32(validation.data)]
