"""YOLO: one text file for each picture, a line for each box: class, centre x, centre y, width, height.

Numbers are shares of the picture's width and height. ``labels/`` mirrors ``images/``, or the text files lie beside the
pictures. A YAML file with ``names``, ``classes.txt`` or ``obj.names`` names the classes. A picture without a text file
has no boxes, as for the programs that use this format.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from colourize import files
from colourize.config.plain_yaml import read_yaml
from colourize.data.boxes.raw import Faults, RawBox, RawPicture, RawSource, split_of
from colourize.data.kinds import scan
from colourize.errors import InputError, one_line

NAMES = "classes.txt", "obj.names", "labels/classes.txt"
LARGEST = 4 << 20  # bytes of one file
LINE = re.compile(r"\s*\d+(\s+[-+.\deE]+){4,}\s*")
COLUMNS = 5  # of a box; a line of a polygon or with a confidence has more


def recognised(root: Path) -> bool:
    """Whether a text file below the root belongs to a picture and its first line has the form of a box."""
    names, _ = scan(root)
    for name in names[:1000]:
        label = root / label_of(name)
        if label.is_file():
            lines = _lines(label)
            if lines and LINE.fullmatch(lines[0]):
                return True
    return False


def label_of(picture: str) -> str:
    """The text file of a picture: ``images/a/b.jpg`` -> ``labels/a/b.txt``, otherwise beside it."""
    parts = list(PurePosixPath(picture).with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        last = len(parts) - 2 - parts[-2::-1].index("images")
        parts[last] = "labels"
    return "/".join(parts)


def read(root: Path, faults: Faults) -> RawSource:
    """The pictures of a folder with the boxes of their text files.

    Raises:
        InputError: no file names the classes.
    """
    classes = _classes(root)
    splits: dict[str, list[RawPicture]] = {}
    names, _ = scan(root)
    owners = {label_of(name): name for name in names}
    for name in names:
        boxes = _boxes(root, label_of(name), classes, faults)
        if boxes is not None:
            splits.setdefault(split_of(str(PurePosixPath(name).parent)), []).append(
                RawPicture(name, name, boxes, relative=True)
            )
    for path in sorted(root.rglob("*.txt")):
        label = path.relative_to(root).as_posix()
        lines = [] if label in owners or label in NAMES else _lines(path)
        if lines and LINE.fullmatch(lines[0]):
            faults.add("picture missing", label)
    return RawSource(splits, classes)


def _lines(path: Path) -> list[str]:
    try:
        return files.read_bytes(path, LARGEST).decode(errors="replace").splitlines()
    except (OSError, ValueError):
        return []


def _boxes(root: Path, label: str, classes: tuple[str, ...], faults: Faults) -> list[RawBox] | None:
    """The boxes of a text file; none where it does not exist; None where it cannot be read."""
    if not (root / label).exists():
        return []
    try:
        text = files.read_bytes(root / label, LARGEST).decode()
    except (OSError, ValueError) as error:
        faults.add("file unreadable", f"{label} ({one_line(error)[:60]})")
        return None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = line.split()
        if len(words) != COLUMNS:
            faults.add("line or entry damaged", f"{label}:{number}")
            continue
        found.append(RawBox(_name(words[0], classes), _corners(words[1:])))
    return found


def _name(word: str, classes: tuple[str, ...]) -> str | None:
    return classes[int(word)] if word.isdecimal() and len(word) < 9 and int(word) < len(classes) else None


def _corners(words: list[str]) -> list[float]:
    try:
        x, y, width, height = (float(word) for word in words)
    except ValueError:
        return []
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def _classes(root: Path) -> tuple[str, ...]:
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        try:
            content = read_yaml(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({one_line(error)}); repair it, or write classes.txt") from error
        if isinstance(content, dict) and (names := _listed(content.get("names"))):
            return names
    for name in NAMES:
        if names := tuple(line.strip() for line in _lines(root / name) if line.strip()):
            return names
    raise InputError(f"{root} has text files of boxes and no names of classes; write classes.txt, a name on each line")


def _listed(names: Any) -> tuple[str, ...]:
    """Names as a list, or as a mapping from 0, 1, ... to names."""
    if isinstance(names, dict):
        names = [names.get(index) for index in range(len(names))]
    return tuple(map(str, names)) if isinstance(names, list) and None not in names else ()
