"""Splits pictures into training, validation and test, and names the file of each."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from colourize.data.preparation.settings import FORMATS, Settings

TRAIN, VALIDATION, TEST = "train", "val", "test"
SPLITS = TRAIN, VALIDATION, TEST
GIVEN = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
LONGEST = 80  # bytes of a file's name that are kept; most file systems allow 255 in total


def given_splits(paths: Collection[str]) -> dict[str, tuple[str, str]]:
    """The folder's own splits: path -> (split or '', path below the split's folder).

    A folder has splits if it contains ``train/`` and one of ``val/``, ``valid/``, ``validation/``, ``test/``, or only
    ``train/``; pictures outside these folders are then left out. Otherwise every split is ''.
    """
    heads = {path: path.split("/")[0].lower() if "/" in path else "" for path in paths}
    names = set(heads.values())
    if "train" not in names or (names != {"train"} and not names & (GIVEN.keys() - {"train"})):
        return {path: ("", path) for path in paths}
    return {path: (GIVEN[head], path.split("/", 1)[1]) for path, head in heads.items() if head in GIVEN}


def position(content: str) -> float:
    """Maps a file's content to [0, 1): its hexadecimal hash as a fraction."""
    return int(content[:13], 16) / 16**13  # 52 bits: exact as a float


def split_by_content(
    contents: Sequence[str], validation: float, test: float, fixed: Mapping[int, str] | None = None
) -> list[str]:
    """The split of each picture, from the hash of its content, so that it does not change when others are added.

    Pictures with a position in [0, test) test, in [test, test + validation) validate, and the rest trains. If no
    picture would validate, or none would train, the picture with the nearest position changes its split.

    Args:
        contents: hashes in hexadecimal, all different.
        validation, test: shares of the pictures.
        fixed: splits that are already known, by row.
    """
    places = [position(content) for content in contents]
    splits = [TEST if place < test else VALIDATION if place < test + validation else TRAIN for place in places]
    for row, split in (fixed or {}).items():
        splits[row] = split
    for wanted, low, high in ((VALIDATION, test, test + validation), (TRAIN, test + validation, 1.0)):
        spare = [row for row, split in enumerate(splits) if row not in (fixed or {}) and _can_miss(splits, split)]
        if wanted not in splits and spare:
            splits[min(spare, key=lambda row: max(low - places[row], places[row] - high))] = wanted
    return splits


def _can_miss(splits: Sequence[str], split: str) -> bool:
    return split == TEST or splits.count(split) > 1


def place_of(below: str, content: str, settings: Settings) -> PurePosixPath:
    """The path of a prepared picture below its split: same folders, its name and eight digits of its content's hash.

    ``horse/a.jpg`` becomes ``horse/a-1f3c9d20.webp``. The digits distinguish it from ``horse/a.png``.
    """
    source = PurePosixPath(below)
    stem = os.fsencode(source.stem)[:LONGEST].decode("utf-8", "ignore") or "picture"
    return source.with_name(f"{stem}-{content[:8]}.{settings.form}")


def written_before(out: Path, place: PurePosixPath) -> str:
    """The split in which an earlier call wrote a picture; '' if it is new."""
    return next((split for split in SPLITS if (out / split / place).is_file()), "")


def all_written(out: Path) -> set[str]:
    """Paths below ``out`` of all files that look like prepared pictures, with '/' as separator."""
    endings = {f".{form}" for form in FORMATS}
    return {
        file.relative_to(out).as_posix()
        for split in SPLITS
        for file in (out / split).rglob("*")
        if file.suffix in endings and file.is_file()
    }
