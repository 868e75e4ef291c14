"""Any folder of pictures as a data source. N images, S image size."""

import functools
import hashlib
import logging
import os
import sys
import tempfile
import warnings
import zlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress

from colourize.data import cache
from colourize.data.classes import check_validation_classes, selected_classes
from colourize.data.kinds import lack, say_what_is_left_out, scan
from colourize.data.pictures import Pictures, held_out
from colourize.data.read import UnreadablePicture, read_rgb, square
from colourize.errors import InputError
from colourize.files import expanded, printable
from colourize.present import terminal

log = logging.getLogger(__name__)

FORMAT = 3  # to be raised when the same files would give other arrays
SMALLEST = 8
DEFAULT_HOLDOUT = 0.1
SMALL_FILE = 16_000  # mean bytes; below, threads wait for Python's lock longer than they gain (measured on 2 cores)
BATCH = 32  # pictures that a thread takes at a time
PART = 4096  # pictures that are copied at a time
NAMED = 10  # files that are named in the log, of each kind of trouble
GREY = 8  # of 255: a picture is grey where no pixel's channels differ by more
GREY_SHARE = 0.2  # of the pictures; above it that is said
VALIDATION_FOLDERS = ({"val", "valid", "validation"}, {"test"})  # the first that there is validates

Classes = dict[str, str | None]
"""Paths below the root, '/' between the names, and each one's class in lower case: None where it is in none."""

Report = dict[str, Any]
"""'checksums' of the two arrays; the 'unreadable' files and those with broken 'profiles', pairs of path and reason;
of the 'grey' ones how many there are and which are the first."""


@dataclass
class Found:
    """What reading N files has found: hashes of their bytes, b"" for an unreadable one, and troubles by row."""

    hashes: list[bytes]
    unreadable: dict[int, str] = field(default_factory=dict)
    profiles: dict[int, str] = field(default_factory=dict)
    grey: list[int] = field(default_factory=list)

    def report(self, files: Sequence[str]) -> Report:
        """In the order of the files, whichever thread was first."""
        troubles = {"unreadable": self.unreadable, "profiles": self.profiles}
        named = {name: [(files[row], reasons[row]) for row in sorted(reasons)] for name, reasons in troubles.items()}
        return {**named, "grey": [len(self.grey), [files[row] for row in sorted(self.grey)[:NAMED]]]}


def load(
    root: str | Path,
    classes: str | int | Sequence[str | int] = "all",
    image_size: int = 32,
    holdout: float = 0.0,
    cache_dir: str | Path = "data/cache",
    mapped: bool = False,
    validation_classes: str | int | Sequence[str | int] | None = None,
    profiles: bool = False,
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
    - A picture is what ends in an extension that Pillow can open (HEIC where ``pillow-heif`` is installed), or in none
      and begins as a picture does. Names with a leading dot and ``__MACOSX`` are left out, and so are other kinds of
      files, which the log counts. Links are followed, except to a folder they lie in.
    - ``profiles``: colours that a file declares (an ICC profile, a PNG's gamma, a camera's Adobe RGB) are converted to
      sRGB, which ``conf/data/folder.yaml`` asks for; runs from before there was this argument did not.

    Files that cannot be read, and broken profiles, which count for nothing, are counted and named in the log; so are
    grey pictures where they are more than a fifth. The arrays are kept in ``cache_dir``
    until a file is added, removed or changed (size, time), or the settings are. With ``mapped`` they stay there and are
    mapped into memory, so that there may be more pictures than memory holds; while they are decoded, twice their room
    on disk is taken.

    Raises:
        InputError: no such folder, no pictures, no readable one in a split, an unknown class, a bad setting, or a
            ``train/`` that may be a split or a class.
    """
    root = expanded(root)
    if image_size < SMALLEST:
        raise InputError(f"image_size={image_size} is too small for a picture; pass {SMALLEST} or more")
    if not 0 <= holdout < 1:
        raise InputError(f"holdout={holdout} is no share of the training pictures; pass 0 <= holdout < 1")
    paths, others = scan(root)
    if not paths:
        raise InputError(lack(root, others))
    say_what_is_left_out(root, others)
    train, validation = split_folders(root, paths)
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
    key = cache.digest(FORMAT, str(root.resolve()), files, status, len(training), image_size, share, profiles)

    def build() -> tuple[Any, Any, Report]:
        workers = 1 if status[:, 0].mean() < SMALL_FILE else os.cpu_count()
        shape = len(files), image_size, image_size, 3
        pictures = _scratch(shape, cache_dir) if mapped else np.empty(shape, np.uint8)
        found = _decode(root, files, pictures, workers, profiles)
        report = found.report(files)
        readable = np.array([content != b"" for content in found.hashes])
        validates = np.arange(len(files)) >= len(training)
        if share and readable.any():
            validates[readable] = held_out([content for content in found.hashes if content], share)
        rows = [np.flatnonzero(readable & side) for side in (~validates, validates)]
        if not all(map(len, rows)):
            unreadable = report["unreadable"]
            path, reason = unreadable[0]
            raise InputError(
                f"data.root={root}: {len(rows[0])} readable pictures to train and {len(rows[1])} to validate; "
                f"mend or replace the {len(unreadable)} unreadable, the first of them {printable(path)} ({reason})"
            )
        report["checksums"] = [_checksum(pictures, side) for side in rows]
        train, validation = rows
        if not mapped:
            return pictures[train], pictures[validation], report
        sides = (cache.Stream((len(side), *shape[1:]), np.uint8, _parts(pictures, side)) for side in rows)
        return next(sides), next(sides), report

    endings = ["-train.npy", "-validation.npy", ".json"]
    *sides, report = cache.cached(cache_dir, f"folder-{key}", endings, build, _whole, mapped)
    _say(root, report, len(files))
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


def _decode(root: Path, files: Sequence[str], pictures: np.ndarray, workers: int | None, profiles: bool) -> Found:
    """Puts the pictures of the files into ``pictures``, uint8 [N, S, S, 3]; that of an unreadable one is undefined."""
    size = pictures.shape[1]
    found = Found([b""] * len(files))

    def take(start: int) -> int:
        for row in range(start, min(start + BATCH, len(files))):
            ignored: list[str] = []
            try:
                with open(os.path.join(root, files[row]), "rb") as file:
                    content = file.read()
                image = read_rgb(content, at_least=size, profiles=profiles, ignored=ignored)
                pictures[row] = np.asarray(square(image, size))
                found.hashes[row] = hashlib.blake2b(content, digest_size=16).digest()
            except (UnreadablePicture, OSError) as error:
                found.unreadable[row] = getattr(error, "strerror", None) or str(error)
                continue
            if ignored:
                found.profiles[row] = ignored[0]
            if is_grey(pictures[row]):
                found.grey.append(row)
        return min(BATCH, len(files) - start)

    bar = Progress(console=terminal.console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    # Pillow warns of odd metadata; the filter is global, so it is set here, outside the threads.
    with warnings.catch_warnings(action="ignore"), bar, ThreadPoolExecutor(workers) as pool:
        task = bar.add_task("Reading pictures", total=len(files))
        for done in pool.map(take, range(0, len(files), BATCH)):
            bar.advance(task, done)
    return found


def is_grey(picture: np.ndarray) -> bool:
    """Whether no pixel's channels differ by more than ``GREY``: uint8 [H, W, 3]."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool(spread.max() <= GREY)


def _whole(train: np.ndarray, validation: np.ndarray, report: Report) -> bool:
    """Whether the arrays are those the report was written for."""
    return report["checksums"] == [zlib.crc32(train.data), zlib.crc32(validation.data)]


def _say(root: Path, report: Report, of: int) -> None:
    """Logs what was found in the files, the same when they were read and from the cache."""
    if unreadable := report["unreadable"]:
        log.warning("%d of %d pictures in %s cannot be read and are left out:", len(unreadable), of, root)
        _name([f"{printable(path)}: {reason}" for path, reason in unreadable], len(unreadable))
    if broken := report["profiles"]:
        log.warning("%d embedded colour profiles in %s are broken and ignored:", len(broken), root)
        _name([f"{printable(path)}: {reason}" for path, reason in broken], len(broken))
    grey, first = report["grey"]
    readable = of - len(unreadable)
    if grey > GREY_SHARE * readable:
        share = f"all {grey}" if grey == readable else f"{grey} of {readable} ({grey / readable:.0%})"
        log.warning("%s pictures in %s are grey and have no colours to learn:", share, root)
        _name([printable(path) for path in first], grey)


def _name(lines: Sequence[str], count: int) -> None:
    for line in lines[:NAMED]:
        log.warning("  %s", line)
    if count > NAMED:
        log.warning("  and %d more", count - NAMED)
