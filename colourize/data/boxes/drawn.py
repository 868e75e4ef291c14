"""Boxes of the objects in drawn landscapes, from their object maps. N pictures, H height, W width, n boxes."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from colourize.data import scenes
from colourize.data.boxes.boxed import Boxed

CLASSES = "sun", "balloon", "sail", "parasol", "cactus", "sunflower", "pyramid", "roof", "poplar", "wool"
"""Kinds of objects that are compact and rarely overlap others of their kind."""
LEAST = 0.06  # of the picture's side: a part with a shorter side is like a group, neither trained nor counted
AROUND = np.ones((3, 3), bool)  # diagonal neighbours belong together


def load(**values: Any) -> tuple[Boxed, Boxed]:
    """Landscapes with boxes: the training and the validation split.

    Args:
        values: arguments of ``scenes.load``.

    Raises:
        InputError: as ``scenes.load``.
    """
    found = scenes.load(**values)
    splits = (found.train, found.train_objects), (found.validation, found.validation_objects)
    train, validation = (_boxed(pictures.numpy(), objects) for pictures, objects in splits)
    return train, validation


def _boxed(pictures: NDArray[np.uint8], objects: Tensor | None) -> Boxed:
    maps = [] if objects is None else list(objects.numpy())
    boxes, labels, small = zip(*(boxes_of(each) for each in maps), strict=True)
    sizes = torch.tensor([each.shape[:2] for each in pictures])
    return Boxed(list(pictures), list(boxes), list(labels), CLASSES, sizes, list(small))


def boxes_of(objects: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor]:
    """The boxes of one object map [H, W]: float32 [n, 4] as x1, y1, x2, y2, labels int64 [n], too small bool [n].

    An object is the pixels of one kind that touch, or have a gap of at most two pixels.
    """
    kinds = set(np.unique(objects).tolist())
    found: list[tuple[list[float], int, bool]] = []
    for label, name in enumerate(CLASSES):
        if (kind := scenes.OBJECTS.index(name)) not in kinds:
            continue
        mask = objects == kind
        parts, _ = ndimage.label(ndimage.binary_dilation(mask, AROUND), AROUND)
        for place in ndimage.find_objects(np.where(mask, parts, 0)):
            rows, columns = place
            box = [columns.start, rows.start, columns.stop, rows.stop]
            sides = columns.stop - columns.start, rows.stop - rows.start
            found.append((box, label, min(sides) < LEAST * len(objects)))
    boxes = torch.tensor([box for box, _, _ in found], dtype=torch.float32).reshape(-1, 4)
    return boxes, torch.tensor([each for _, each, _ in found]).long(), torch.tensor([few for *_, few in found]).bool()
