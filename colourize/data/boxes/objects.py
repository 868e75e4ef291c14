"""Boxes of the drawn landscapes, from their object maps. N pictures, H height, W width, n boxes of a picture."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from colourize.data.boxes.boxed import Boxed, Splits
from colourize.data.pictures import Pictures
from colourize.data.scenes import OBJECTS
from colourize.errors import InputError

CLASSES = "balloon", "cactus", "parasol", "pine", "pyramid", "roof", "sail", "sunflower", "wool"
"""Kinds of objects with a shape of their own; the others are ground, water, sky and plants that grow together."""
SMALLEST = 1 / 16  # of the picture's side: the shorter side of the smallest box
GAP = 1 / 32  # of the picture's side: parts of one object, as the two sails of a boat, are this near
EIGHT = np.ones((3, 3), bool)  # neighbours, so that antialiased edges stay whole


def boxes_of(objects: Tensor, classes: tuple[str, ...] = CLASSES) -> tuple[Tensor, Tensor]:
    """Boxes around the objects of one map: uint8 [H, W] -> float32 [n, 4] as x1, y1, x2, y2, and int64 [n].

    An object is a connected region of pixels of one kind (eight neighbours); regions with at most ``GAP`` between
    them have one box. Regions with a side below ``SMALLEST`` have none.
    """
    kinds, side = objects.numpy(), max(objects.shape)
    grown = max(1, round(side * GAP / 2))
    found: list[tuple[int, int, int, int]] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        pixels = kinds == OBJECTS.index(name)
        if not pixels.any():
            continue
        regions, _ = ndimage.label(ndimage.binary_dilation(pixels, EIGHT, grown), EIGHT)
        for rows, columns in ndimage.find_objects(regions * pixels):
            if min(rows.stop - rows.start, columns.stop - columns.start) >= SMALLEST * side:
                found.append((columns.start, rows.start, columns.stop, rows.stop))
                labels.append(label)
    return torch.tensor(found, dtype=torch.float32).reshape(-1, 4), torch.tensor(labels, dtype=torch.int64)


def boxed(pictures: Tensor, objects: Tensor, classes: tuple[str, ...] = CLASSES) -> Boxed:
    """Pictures uint8 [N, H, W, 3] with boxes from their object maps, uint8 [N, H, W]."""
    pairs = [boxes_of(each, classes) for each in objects]
    sizes = torch.tensor(objects.shape[1:], dtype=torch.int64).repeat(len(objects), 1)
    return Boxed(list(pictures.numpy()), [boxes for boxes, _ in pairs], [labels for _, labels in pairs], classes, sizes)


def splits_of(pictures: Pictures, classes: tuple[str, ...] = CLASSES) -> Splits:
    """Both splits of a source with object maps.

    Raises:
        InputError: the source knows no objects.
    """
    if pictures.train_objects is None or pictures.validation_objects is None:
        raise InputError("task=detection requires pictures with boxes; pass data=boxes data.root=DIR or data=scenes")
    return Splits(
        boxed(pictures.train, pictures.train_objects, classes),
        boxed(pictures.validation, pictures.validation_objects, classes),
    )
