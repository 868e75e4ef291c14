"""Any folder of pictures as a data source. N images, S image size."""

import functools
import hashlib
import logging
import os
import sys
import tempfile
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from colourize import terminal
from colourize.data import cache
from colourize.data.classes import check_validation_classes, selected_classes
from colourize.data.decode import UnreadablePicture, extensions, read_rgb, square
from colourize.data.pictures import Pictures, held_out
from colourize.errors import InputError

log = logging.getLogger(__name__)

FORMAT = 2  # to be raised when the same files would give other arrays
SMALLEST = 8
DEFAULT_HOLDOUT = 0.1
SMALL_FILE = 16_000  # mean bytes; below, threads wait for Python's lock longer than they gain (measured on 2 cores)
BATCH = 32  # pictures that a thread takes at a time
PART = 4096  # pictures that are copied at a time
NAMED = 10  # unreadable files that are named in the log
VALIDATION_FOLDERS = ({"val", "valid", "validation"}, {"test"})  # the first that there is validates

Classes = dict[str, str | None]
"""Paths below the root, '/' between the names, and each one's class in lower case: None where it is in none."""

Report = dict[str, Any]
"""'checksums' of the two arrays, and the 'unreadable' files: pairs of path and reason."""


def load(
    root: str | Path,
    classes: str | int | Sequence[str | int] = "all",
    image_size: int = 32,
    holdout: float = 0.0,
    cache_dir: str | Path = "data/cache",
    mapped: bool = False,
    validation_classes: str | int | Sequence[str | int] | None = None,
) -> Pictures:
    """The pictures below ``root``, each cropped to its centre square: uint8 [N, S, S, 3], S = ``image_size``.

    Splits and classes are folders, each optional; their names count in upper and lower case alike::

        root/                       root/              root/
          train/                      horse/             a.png
            horse/a.jpg  deep/b.jpg     a.jpg            deep/b.tif
            ship/c.jpg                ship/
          test/                         c.jpg
            horse/d.jpg
        test/ validates             a share validates  a share validates; no classes

    - ``val/``, ``valid/`` or ``validation/`` validates too, and comes before ``test/``, which then is not read. Nothing
      beside the split folders is.
    - ``holdout`` > 0: this share of the training pictures validates, and only they are read. Without a validation
      folder it is 0.1 unless given. A file's side depends on its own bytes only (``held_out``).
    - A class is a first folder below the split's, or below ``root``; files further down belong to it. ``classes``
      chooses some of the training split's, as ``selected_classes`` reads it; 'all' also takes files in no class.
      ``validation_classes`` are those of the validation split, where they are not the same.
    - A picture is what ends in an extension that Pillow can open. Names with a leading dot and ``__MACOSX`` are left
      out. Links are followed, except to a folder they lie in.

    Files that cannot be read are counted and named in the log, and left out. The arrays are kept in ``cache_dir``
    until a file is added, removed or changed (size, time), or the settings are. With ``mapped`` they stay there and are
    mapped into memory, so that there may be more pictures than memory holds; while they are decoded, twice their room
    on disk is taken.

    Raises:
        InputError: no such folder, no pictures, no readable one in a split, an unknown class, a bad setting, or a
            ``train/`` that may be a split or a class.
    """
    root = Path(root).expanduser()
    if image_size < SMALLEST:
        raise InputError(f"image_size={image_size} is too small for a picture; pass {SMALLEST} or more")
    if not 0 <= holdout < 1:
        raise InputError(f"holdout={holdout} is no share of the training pictures; pass 0 <= holdout < 1")
    train, validation = split_folders(root, sorted(_scan(root)))
    if not train:
        raise InputError(f"data.root={root} holds no picture files such as .jpg or .png; pass a folder of pictures")
    share = 0.0 if validation and not holdout else holdout or DEFAULT_HOLDOUT
    check_validation_classes(validation_classes, share)
    names = {name for name in train.values() if name is not None}
    wanted, validate = _wanted(root, classes, names), classes if validation_classes is None else validation_classes
    training = [path for path, name in train.items() if name in wanted]
    validated = _wanted(root, validate, names)
    validating = [path for path, name in validation.items() if name in validated and not share]
    if not (validating or share):
        raise InputError(f"classes={validate!r}: no pictures of them validate in {root}; add some, or pass holdout=0.1")
    files = training + validating
    status = np.array([_status(os.path.join(root, path)) for path in files], np.int64)
    key = cache.digest(FORMAT, str(root.resolve()), files, status, len(training), image_size, share)

    def build() -> tuple[Any, Any, Report]:
        workers = 1 if status[:, 0].mean() < SMALL_FILE else os.cpu_count()
        shape = len(files), image_size, image_size, 3
        pictures = _scratch(shape, cache_dir) if mapped else np.empty(shape, np.uint8)
        hashes, unreadable = _decode(root, files, pictures, workers)
        readable = np.array([content != b"" for content in hashes])
        validates = np.arange(len(files)) >= len(training)
        if share and readable.any():
            validates[readable] = held_out([content for content in hashes if content], share)
        rows = [np.flatnonzero(readable & side) for side in (~validates, validates)]
        if not all(map(len, rows)):
            path, reason = unreadable[0]
            raise InputError(
                f"data.root={root}: {len(rows[0])} readable pictures to train and {len(rows[1])} to validate; "
                f"mend or replace the {len(unreadable)} unreadable, the first of them {_printable(path)} ({reason})"
            )
        report = {"checksums": [_checksum(pictures, side) for side in rows], "unreadable": unreadable}
        train, validation = rows
        if not mapped:
            return pictures[train], pictures[validation], report
        sides = (cache.Stream((len(side), *shape[1:]), np.uint8, _parts(pictures, side)) for side in rows)
        return next(sides), next(sides), report

    endings = ["-train.npy", "-validation.npy", ".json"]
    *sides, report = cache.cached(cache_dir, f"folder-{key}", endings, build, _whole, mapped)
    _warn(root, report["unreadable"], len(files))
    train_side, validation_side = map(torch.from_numpy, sides)
    return Pictures(train_side, validation_side, mapped=mapped)


def _scratch(shape: tuple[int, ...], folder: str | Path) -> np.ndarray:
    """An array on disk, uint8, that is gone when it is no longer used."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _parts(pictures: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The chosen pictures, a few at a time."""
    for start in range(0, len(rows), PART):
        yield pictures[rows[start : start + PART]]


def _checksum(pictures: np.ndarray, rows: np.ndarray) -> int:
    return functools.reduce(lambda total, part: zlib.crc32(part.data, total), _parts(pictures, rows), 0)


def split_folders(root: Path, paths: Collection[str]) -> tuple[Classes, Classes]:
    """Which of the paths below ``root`` train and which validate, each with its class.

    Raises:
        InputError: only ``test/`` or ``val/`` hold pictures, or ``train/`` may be a split or a class.
    """
    heads = {path: _first_folder(path) for path in paths}
    folders = {head for head in heads.values() if head is not None}
    names = next((names for names in VALIDATION_FOLDERS if names & folders), set())
    others = sorted(folders - {"train"}.union(*VALIDATION_FOLDERS))
    if "train" not in folders:
        if names and not others and None not in heads.values():
            raise InputError(f"{root} holds {min(folders)}/ but no pictures in train/; add some, or pass that folder")
        return heads, {}
    if others and not names:
        raise InputError(
            f"{root} holds train/ beside {others[0]}/, so it may be a split or a class; pass {root / 'train'} or move "
            "all the classes into train/"
        )
    train, validation = (
        {path: _first_folder(path.split("/", 1)[1]) for path in paths if heads[path] in chosen}
        for chosen in ({"train"}, names)
    )
    return train, validation


def _first_folder(path: str) -> str | None:
    return path.split("/")[0].lower() if "/" in path else None


def _scan(root: Path) -> Iterator[str]:
    """Paths of the picture files below ``root``."""
    if not root.is_dir():
        raise InputError(
            f"data.root={root} is {'no folder' if root.exists() else 'not there'}; pass a folder of pictures"
        )
    try:
        yield from _below(root, "", frozenset())
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}); allow it, or move it out") from error


def _below(folder: str | Path, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    status = os.stat(folder)
    here = above | {(status.st_dev, status.st_ino)}
    if here == above:
        return  # a link to a folder that it lies in
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir():
                yield from _below(entry.path, f"{prefix}{entry.name}/", here)
            elif os.path.splitext(entry.name)[1].lower() in extensions() and (entry.is_file() or _dangling(entry)):
                yield prefix + entry.name


def _dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)


def _wanted(root: Path, classes: str | int | Sequence[str | int], names: Collection[str]) -> Collection[str | None]:
    """The chosen names of classes, with None for files in no class."""
    listed = list(classes) if isinstance(classes, list | tuple) else [classes]
    if listed == ["all"]:
        return {None, *names}
    if not names:
        raise InputError(f"classes={classes!r}, but {root} has no sub-folder for each class; add them, or pass 'all'")
    ordered = sorted(names)
    lower = classes.lower() if isinstance(classes, str) else [str(item).lower() for item in listed]
    return {ordered[index] for index in selected_classes(lower, ordered)}


def _status(path: str) -> tuple[int, int]:
    """Size and time of change, by which a changed file is known."""
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _decode(
    root: Path, files: Sequence[str], pictures: np.ndarray, workers: int | None
) -> tuple[list[bytes], list[tuple[str, str]]]:
    """Puts the pictures of the files into ``pictures``, uint8 [N, S, S, 3]; a hash of each file's bytes, and the
    unreadable ones with reasons.

    The hash of an unreadable file is b"", its picture undefined.
    """
    size = pictures.shape[1]
    hashes = [b""] * len(files)
    reasons: dict[int, str] = {}

    def take(start: int) -> int:
        for row in range(start, min(start + BATCH, len(files))):
            try:
                with open(os.path.join(root, files[row]), "rb") as file:
                    content = file.read()
                pictures[row] = np.asarray(square(read_rgb(content, at_least=size), size))
                hashes[row] = hashlib.blake2b(content, digest_size=16).digest()
            except (UnreadablePicture, OSError) as error:
                reasons[row] = getattr(error, "strerror", None) or str(error)
        return min(BATCH, len(files) - start)

    bar = Progress(console=terminal.console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    # Pillow warns of odd metadata; the filter is global, so it is set here, outside the threads.
    with warnings.catch_warnings(action="ignore"), bar, ThreadPoolExecutor(workers) as pool:
        task = bar.add_task("Reading pictures", total=len(files))
        for done in pool.map(take, range(0, len(files), BATCH)):
            bar.advance(task, done)
    return hashes, [(files[row], reasons[row]) for row in sorted(reasons)]


def _whole(train: np.ndarray, validation: np.ndarray, report: Report) -> bool:
    """Whether the arrays are those the report was written for."""
    return report["checksums"] == [zlib.crc32(train.data), zlib.crc32(validation.data)]


def _warn(root: Path, unreadable: Iterable[tuple[str, str]], of: int) -> None:
    pairs = list(unreadable)
    if not pairs:
        return
    log.warning("%d of %d pictures in %s cannot be read and are left out:", len(pairs), of, root)
    for path, reason in pairs[:NAMED]:
        log.warning("  %s: %s", _printable(path), reason)
    if len(pairs) > NAMED:
        log.warning("  and %d more", len(pairs) - NAMED)


def _printable(path: str) -> str:
    return path if path.isprintable() else repr(path)
