"""Drawn landscapes: a data source without a download. N images, H height, W width.

The kind of an object determines its hue; the light determines its grey level. So the grey level of a pixel predicts its
colour badly, and its surroundings predict it well.
"""

import functools
from collections.abc import Sequence

import numpy as np
import torch

from colourize.config import knobs
from colourize.data.classes import selected_classes
from colourize.data.pictures import Pictures, held_out
from colourize.data.scenes import landscapes
from colourize.data.scenes.canvas import OBJECTS, Canvas
from colourize.data.scenes.drawing import uniforms
from colourize.errors import InputError

__all__ = ["CLASSES", "OBJECTS", "load"]

LANDSCAPES = landscapes.meadow, landscapes.coast, landscapes.mountains, landscapes.desert, landscapes.farm
CLASSES = tuple(landscape.__name__ for landscape in LANDSCAPES)

DECISIONS = 3584  # random numbers per picture
MOST_KEPT = 1 << 23  # pixels of the drawn pictures of a split that are kept, four bytes each
TOGETHER = 32  # pictures painted at once: enough to amortize numpy's cost per call, few enough for the CPU's cache


def load(
    num_train: int = 2000,
    num_validation: int = 500,
    image_size: int = 32,
    classes: str | int | Sequence[str | int] = "all",
    seed: int = 0,
    holdout: float = 0.0,
) -> Pictures:
    """Landscapes of the chosen classes in turn: uint8 [N, image_size, image_size, 3].

    The pictures are the same on every machine. Picture i of a split depends on ``seed``, ``classes`` and i;
    ``image_size`` is only its resolution. With ``holdout`` > 0, this share of the training pictures validates.

    Raises:
        InputError: fewer than two pictures in a split, an unknown class, ``image_size`` or ``holdout`` outside its
            knob's range.
    """
    for name, value in (("num_train", num_train), ("num_validation", num_validation)):
        if value < 2:
            raise InputError(f"{name}={value} is too small; pass {name}=2 or more")
    knobs.check_ranges(image_size=image_size, holdout=holdout)
    chosen = selected_classes(classes, CLASSES)
    train, train_objects = draw(num_train, image_size, chosen, seed, split=0)
    if holdout:
        validates = torch.from_numpy(held_out([picture.tobytes() for picture in train.numpy()], holdout))
        return Pictures(train[~validates], train[validates], train_objects[~validates], train_objects[validates])
    validation, validation_objects = draw(num_validation, image_size, chosen, seed, split=1)
    return Pictures(train, validation, train_objects, validation_objects)


def draw(count: int, size: int, classes: Sequence[int], seed: int, split: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures uint8 [count, size, size, 3] and their object maps [count, size, size]; ``classes`` are indices.

    The next job of a sweep usually needs the same pictures, so the last set is cached unless it is large.
    """
    given = count, size, tuple(classes), seed, split
    if count * size * size > MOST_KEPT:
        return _drawn(*given)
    pictures, objects = _kept(*given)
    return pictures.clone(), objects.clone()


def _drawn(count: int, size: int, classes: Sequence[int], seed: int, split: int) -> tuple[torch.Tensor, torch.Tensor]:
    turns = len(classes)
    pictures = np.empty((count, size, size, 3), np.uint8)
    objects = np.empty((count, size, size), np.uint8)
    chunk = min(TOGETHER * turns, count)
    for start, luck in zip(range(0, count, chunk), uniforms(seed, split, DECISIONS, chunk), strict=False):
        for turn in range(turns):
            part = slice(start + turn, min(start + chunk, count), turns)
            drawn = Canvas(luck[turn : min(chunk, count - start) : turns], size)
            LANDSCAPES[classes[turn]](drawn)
            pictures[part], objects[part] = drawn.pixels(), drawn.objects
    return torch.from_numpy(pictures), torch.from_numpy(objects)


_kept = functools.lru_cache(4)(_drawn)
