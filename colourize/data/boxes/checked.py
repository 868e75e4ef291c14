"""Checks pictures and boxes of any format. N pictures, n boxes of a picture, H height, W width."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize.data import read
from colourize.data.boxes.boxed import Boxed
from colourize.data.boxes.raw import Faults, RawBox, RawPicture

ROUNDING = 1.0  # pixels outside of the picture that count as rounding and are cut silently
EXIF_ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # turned by 90°: width and height change places


def checked(root: Path, pictures: Sequence[RawPicture], classes: tuple[str, ...], faults: Faults) -> Boxed:
    """The usable pictures with their usable boxes; everything else is counted in ``faults``.

    A box of a class that is not in ``classes`` counts as unknown.
    """
    paths: list[Path] = []
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    sizes: list[tuple[int, int]] = []
    seen = set()
    for each in pictures:
        if each.file is None:
            faults.add("picture missing", each.name)
        elif each.file in seen:
            faults.add("picture listed twice", each.name)
        else:
            seen.add(each.file)
            try:
                height, width = upright_size(root / each.file)
            except read.UnreadablePicture as error:
                faults.add("picture unreadable", f"{each.file} ({error})")
                continue
            if each.size is not None and _whole(each.size) != (width, height):
                faults.add("size of the picture wrong", each.name)
            paths.append(root / each.file)
            sizes.append((height, width))
            found.append(_usable(each, classes, height, width, faults))
    return Boxed(
        paths,
        [boxes for boxes, _, _ in found],
        [labels for _, labels, _ in found],
        classes,
        torch.tensor(sizes, dtype=torch.int64).reshape(-1, 2),
        [crowds for _, _, crowds in found],
    )


def upright_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as a viewer shows it, from the header of its file.

    Raises:
        UnreadablePicture: the file is not a picture, or too large.
    """
    try:
        with read.opened(path) as image:
            width, height = image.size
            turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
    except read.UnreadablePicture:
        raise
    except Exception as error:  # Pillow's decoders raise nearly any built-in exception for damaged files
        raise read.UnreadablePicture(read.reason(error, path)) from error
    if width * height > read.MAX_PIXELS:
        raise read.UnreadablePicture(f"{width} x {height} pixels, more than the limit of {read.MAX_PIXELS}")
    return (width, height) if turned else (height, width)


def _whole(size: tuple[Any, Any]) -> tuple[int, int] | None:
    try:
        return int(size[0]), int(size[1])
    except (TypeError, ValueError, OverflowError):
        return None


def _usable(
    picture: RawPicture, classes: tuple[str, ...], height: int, width: int, faults: Faults
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes float32 [n, 4], labels int64 [n] and crowds bool [n] of a picture."""
    rows: dict[tuple[float, ...], tuple[list[float], int, bool]] = {}
    for number, raw in enumerate(picture.boxes, 1):
        place = f"{picture.name} box {number}"
        if raw.name not in classes:
            faults.add("class unknown", place)
            continue
        box = _repaired(raw, (width, height) if picture.relative else (1, 1), width, height, place, faults)
        if box is None:
            continue
        label = classes.index(raw.name)
        if (*box, label) in rows:
            faults.add("box listed twice", place)
        rows.setdefault((*box, label), (box, label, raw.crowd))
    boxes = torch.tensor([box for box, _, _ in rows.values()], dtype=torch.float32).reshape(-1, 4)
    labels = torch.tensor([label for _, label, _ in rows.values()], dtype=torch.int64)
    return boxes, labels, torch.tensor([crowd for _, _, crowd in rows.values()], dtype=torch.bool)


def _repaired(
    raw: RawBox, scale: tuple[int, int], width: int, height: int, place: str, faults: Faults
) -> list[float] | None:
    """A box within the picture, in pixels; None if nothing of it is left."""
    if len(raw.corners) != 4 or not all(isinstance(v, int | float) and math.isfinite(v) for v in raw.corners):
        faults.add("box not of numbers", place)
        return None
    x1, y1, x2, y2 = (float(value) * scale[index % 2] for index, value in enumerate(raw.corners))
    if x1 > x2 or y1 > y2:
        faults.add("box swapped", place)
        x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    if x1 == x2 or y1 == y2:
        faults.add("box empty", place)
        return None
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        faults.add("box outside", place)
        return None
    if min(x1, y1) < -ROUNDING or x2 > width + ROUNDING or y2 > height + ROUNDING:
        faults.add("box partly outside", place)
    cut = torch.tensor([max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)], dtype=torch.float32).tolist()
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        faults.add("box empty", place)
        return None
    return cut
