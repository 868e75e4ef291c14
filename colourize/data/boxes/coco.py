"""COCO: one JSON file for each split, with ``images``, ``annotations`` and ``categories``.

The file may lie in the root, in ``annotations/`` or beside the pictures; the pictures in a folder with the name of the
file (``train.json``, ``instances_train2017.json``), in ``images/``, or beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from colourize import files
from colourize.data.boxes.raw import Faults, RawBox, RawPicture, RawSource, inside, split_of
from colourize.errors import InputError, one_line

LARGEST = 1 << 30  # bytes; COCO's own file has half of it
KEYS = {"images", "annotations", "categories"}


def candidates(root: Path) -> list[Path]:
    """The JSON files of a folder that may be COCO's, sorted."""
    return sorted(path for pattern in ("*.json", "*/*.json") for path in root.glob(pattern) if path.is_file())


def recognised(root: Path) -> list[Path]:
    """The JSON files that begin like COCO's."""
    return [path for path in candidates(root) if _looks_like(path)]


def _looks_like(path: Path) -> bool:
    """By the first and last bytes, so that large files are not read twice."""
    try:
        with path.open("rb") as file:
            start = file.read(65536)
            file.seek(max(0, path.stat().st_size - 65536))
            text = start + file.read(65536)
    except OSError:
        return False
    return start.lstrip()[:1] == b"{" and sum(f'"{key}"'.encode() in text for key in KEYS) >= 2


def read(root: Path, faults: Faults) -> RawSource:
    """The pictures of all COCO files of a folder. Boxes of the wrong form are counted.

    Raises:
        InputError: a file is not JSON, or not of COCO's form.
    """
    splits: dict[str, list[RawPicture]] = {}
    classes: dict[str, None] = {}
    contents = [(path, _content(path)) for path in recognised(root)]
    for _, content in sorted(contents, key=lambda pair: split_of(pair[0].name) != "train"):
        classes |= dict.fromkeys(_names(content).values())
    for path, content in contents:
        relative = path.relative_to(root).as_posix()
        splits.setdefault(split_of(relative), []).extend(_pictures(root, path, content, faults))
    return RawSource(splits, tuple(classes))


def _content(path: Path) -> dict[str, Any]:
    try:
        content = files.json_value(files.read_bytes(path, LARGEST), path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as COCO ({one_line(error)}); repair or remove it") from error
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in KEYS):
        raise InputError(f"{path} must have lists {', '.join(sorted(KEYS))}, as COCO has; repair or remove it")
    return content


def _names(content: dict[str, Any]) -> dict[Any, str]:
    """Names of the categories by id, in the order of the ids."""
    found = {}
    for entry in content["categories"]:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("id"), int):
            found[entry["id"]] = entry["name"]
    return dict(sorted(found.items()))


def _pictures(root: Path, path: Path, content: dict[str, Any], faults: Faults) -> Iterator[RawPicture]:
    names = _names(content)
    by_id: dict[Any, RawPicture] = {}
    folders = _folders(root, path)
    for number, entry in enumerate(content["images"]):
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), int | str):
            faults.add("line or entry damaged", f"{path.name} images[{number}]")
            continue
        name = inside(entry.get("file_name"))
        if name is None:
            faults.add("picture outside of the folder", f"{path.name} images[{number}] {entry.get('file_name')!s:.60}")
        elif entry["id"] in by_id:
            faults.add("picture listed twice", name)
        else:
            size = entry.get("width"), entry.get("height")
            by_id[entry["id"]] = RawPicture(_found(root, folders, name), name, [], size)
    outside = {entry["id"] for entry in content["images"] if isinstance(entry, dict) and _hashable(entry.get("id"))}
    for number, entry in enumerate(content["annotations"]):
        place = f"{path.name} annotations[{number}]"
        if not isinstance(entry, dict) or not all(_hashable(entry.get(key)) for key in ("image_id", "category_id")):
            faults.add("line or entry damaged", place)
        elif entry["image_id"] in by_id:
            by_id[entry["image_id"]].boxes.append(_box(entry, names))
        elif entry["image_id"] not in outside:
            faults.add("boxes of an unknown picture", place)
    yield from by_id.values()


def _hashable(value: Any) -> bool:
    return isinstance(value, int | str)


def _box(entry: dict[str, Any], names: dict[Any, str]) -> RawBox:
    box = entry.get("bbox")
    corners: list[Any] = []
    if isinstance(box, list) and len(box) == 4 and all(isinstance(value, int | float) for value in box):
        x, y, width, height = (float(value) for value in box)
        corners = [x, y, x + width, y + height]
    return RawBox(names.get(entry["category_id"]), corners, entry.get("iscrowd") in (1, True))


def _folders(root: Path, path: Path) -> list[str]:
    """Where the pictures of a file may lie, below the root."""
    stem = path.stem.removeprefix("instances_")
    here = path.parent.relative_to(root).as_posix()
    return [stem, f"images/{stem}", here, ".", "images", f"{here}/images", f"{here}/{stem}"]


def _found(root: Path, folders: list[str], name: str) -> str | None:
    return next((f"{each}/{name}" for each in folders if (root / each / name).is_file()), None)
