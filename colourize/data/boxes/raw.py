"""A file's entries about a picture and its boxes, not yet checked, and the faults found. All formats give these."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from colourize.errors import shown
from colourize.files import printable

NAMED = 3  # places named for each kind of fault
SPLITS = {"train": "train", "trainval": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}

LEFT_OUT = "left out"
FAULTS = {
    "picture missing": LEFT_OUT,
    "picture unreadable": LEFT_OUT,
    "picture outside of the folder": LEFT_OUT,
    "picture listed twice": LEFT_OUT,
    "picture without boxes file": LEFT_OUT,
    "file unreadable": LEFT_OUT,
    "line or entry damaged": LEFT_OUT,
    "boxes of an unknown picture": LEFT_OUT,
    "size of the picture wrong": "the file's size counts",
    "class unknown": LEFT_OUT,
    "box not of numbers": LEFT_OUT,
    "box outside": LEFT_OUT,
    "box partly outside": "cut",
    "box empty": LEFT_OUT,
    "box swapped": "turned",
    "box listed twice": LEFT_OUT,
}
"""Kinds of faults, and the action for each."""


class RawBox(NamedTuple):
    """One box: its class as the file names it, x1, y1, x2, y2, and whether it is around a group."""

    name: Any
    corners: Sequence[Any]
    crowd: bool = False


@dataclass
class RawPicture:
    """A picture and its boxes.

    ``file``: its path below the root, with '/'; None: no such file was found. ``name``: for messages. ``size``: the
    width and height that the file of boxes gives, if any. ``relative``: corners are shares of the width and height.
    """

    file: str | None
    name: str
    boxes: list[RawBox]
    size: tuple[Any, Any] | None = None
    relative: bool = False


@dataclass
class RawSource:
    """The pictures of each split, ``train``, ``val``, ``test`` or ``""``, and the classes, in order."""

    splits: dict[str, list[RawPicture]]
    classes: tuple[str, ...]


@dataclass
class Faults:
    """Counts of faults by kind, and where the first ones are."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        """Counts a fault; ``kind`` is a key of ``FAULTS``."""
        self.counts[kind] += 1
        if len(named := self.places.setdefault(kind, [])) < NAMED and place not in named:
            named.append(place)

    def rows(self) -> list[list[str]]:
        """A table: fault, count, action, first places."""
        header = ["fault", "number", "action", "in"]
        lines = [
            [kind, str(self.counts[kind]), done, ", ".join(shown(printable(place), 60) for place in self.places[kind])]
            for kind, done in FAULTS.items()
            if self.counts[kind]
        ]
        return [header, *lines]


def split_of(path: str) -> str:
    """The split that a folder or a file in a path names, as ``train2017/`` and ``train.json`` do, or ''."""
    for part in PurePosixPath(path.lower()).parts:
        for word in part.replace(".", "_").replace("-", "_").split("_"):
            if (split := SPLITS.get(word.rstrip("0123456789"))) is not None:
                return split
    return ""


def inside(name: Any) -> str | None:
    """A file's name from a file of boxes, with '/', or None if it is not the name of a file below the root.

    Absolute names, '..', and names with control characters are not.
    """
    if not isinstance(name, str) or not name.isprintable():
        return None
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.name or ":" in path.parts[0]:
        return None
    return str(path)
