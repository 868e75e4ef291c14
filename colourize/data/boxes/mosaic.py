"""Augmentation of pictures with boxes: mosaic, flips, changes of colour. H height, W width, n boxes.

Every random number follows from a generator that the caller seeds with (seed, epoch, index), so that an interrupted
run sees the same pictures.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.data.boxes.letterbox import Picture, letterboxed, resized
from colourize.errors import InputError
from colourize.models.yolox import FILL

LEAST = 2.0  # pixels: boxes with a shorter side after clipping are dropped
KEPT = 0.2  # share of its area that a clipped box must keep


class Example(NamedTuple):
    """A picture uint8 [H, W, 3], its boxes float32 [n, 4] as x1, y1, x2, y2 in pixels, their labels int64 [n]."""

    picture: Picture
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


class Mosaic:
    """Mosaic of four pictures (Bochkovskiy and others 2020, YOLOv4), flips, and changes of colour.

    Args:
        share: of the training pictures that are mosaics, in [0, 1].
        until: share of the epochs with mosaics; then pictures are whole and the L1 loss of boxes is added, as in YOLOX.
        least: smallest scale of a picture in a mosaic, in multiples of half the mosaic's side, > 0.
        most: largest scale, in the same unit.
        flip: whether every second picture is mirrored left to right.
        hue: largest change of the hue, as a share of the circle, in [0, 0.5].
        saturation: largest change of the saturation as a factor 1 ± s, in [0, 1].
        value: largest change of the brightness as a factor 1 ± v, in [0, 1].

    Raises:
        InputError: a value is outside its range.
    """

    def __init__(
        self,
        share: float = 0.5,
        until: float = 0.85,
        least: float = 0.5,
        most: float = 1.5,
        flip: bool = True,
        hue: float = 0.015,
        saturation: float = 0.4,
        value: float = 0.3,
    ) -> None:
        limits = {"share": 1, "until": 1, "hue": 0.5, "saturation": 1, "value": 1}
        given = {"share": share, "until": until, "hue": hue, "saturation": saturation, "value": value}
        for name, high in limits.items():
            if not 0 <= given[name] <= high:
                raise InputError(f"augment.{name} must be >= 0 and <= {high}, got {given[name]}")
        if not 0 < least <= most <= 4:
            raise InputError(f"augment.least and augment.most must be > 0, <= 4 and in order, got {least} and {most}")
        self.share, self.until, self.least, self.most, self.flip = share, until, least, most, flip
        self.colour = hue, saturation, value

    def __call__(
        self,
        example: Example,
        other: Callable[[int], Example],
        count: int,
        side: int,
        late: bool,
        random: np.random.Generator,
    ) -> Example:
        """One training picture: [side, side, 3].

        Args:
            example: the picture.
            other: gives one of the training pictures by its index.
            count: number of training pictures.
            side: of the result, in pixels.
            late: whether mosaics have ended.
            random: the source of all random numbers.
        """
        mixes = random.random() < self.share and not late
        if mixes:
            others = [other(int(index)) for index in random.integers(0, count, 3)]
            example = self._mosaic([example, *others], side, random)
        else:
            example = squared(example, side)
        example = self._coloured(example, random)
        return mirrored(example) if self.flip and random.random() < 0.5 else example

    def _mosaic(self, examples: list[Example], side: int, random: np.random.Generator) -> Example:
        """Four pictures around a random point, each scaled at random and cut at the border of its quarter."""
        canvas = np.full((side, side, 3), FILL, np.uint8)
        x, y = (int(each) for each in random.uniform(0.25, 0.75, 2) * side)
        quarters = (0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)
        boxes, labels = [], []
        for example, (left, top, right, bottom) in zip(examples, quarters, strict=True):
            scale = random.uniform(self.least, self.most) * side / max(example.picture.shape[:2])
            scale = min(scale, 1.5 * side / max(example.picture.shape[:2]))
            small = resized(example.picture, scale)
            # the corner at the common point is the picture's own corner
            at = x - small.shape[1] if left == 0 else x, y - small.shape[0] if top == 0 else y
            low = max(left, at[0]), max(top, at[1])
            high = min(right, at[0] + small.shape[1]), min(bottom, at[1] + small.shape[0])
            part = small[low[1] - at[1] : high[1] - at[1], low[0] - at[0] : high[0] - at[0]]
            canvas[low[1] : high[1], low[0] : high[0]] = part
            moved = example.boxes * np.float32(scale) + np.asarray([*at, *at], np.float32)
            cut, kept = clipped(moved, (*low, *high))
            boxes.append(cut)
            labels.append(example.labels[kept])
        return Example(canvas, np.concatenate(boxes), np.concatenate(labels))

    def _coloured(self, example: Example, random: np.random.Generator) -> Example:
        hue, saturation, value = random.uniform(-1, 1, 3) * self.colour
        if not any(self.colour):
            return example
        hsv = np.asarray(Image.fromarray(example.picture).convert("HSV")).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + 256 * hue) % 256
        hsv[..., 1:] = np.clip(hsv[..., 1:] * np.asarray([1 + saturation, 1 + value], np.float32), 0, 255)
        changed = Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB")
        return example._replace(picture=np.asarray(changed))


def squared(example: Example, side: int) -> Example:
    """A picture in a square, with its boxes."""
    picture, scale = letterboxed(example.picture, side)
    return Example(picture, example.boxes * np.float32(scale), example.labels)


def mirrored(example: Example) -> Example:
    """A picture mirrored left to right, with its boxes."""
    width = example.picture.shape[1]
    boxes = example.boxes[:, [2, 1, 0, 3]] * np.asarray([-1, 1, -1, 1], np.float32) + np.asarray(
        [width, 0, width, 0], np.float32
    )
    return Example(example.picture[:, ::-1], boxes, example.labels)


def clipped(
    boxes: NDArray[np.float32], limits: tuple[float, float, float, float]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Boxes cut at limits x1, y1, x2, y2, and which of all are kept, bool [n].

    A box is kept if enough of it is left: ``KEPT`` of its area, and ``LEAST`` pixels of each side.
    """
    low, high = np.asarray(limits[:2] * 2, np.float32), np.asarray(limits[2:] * 2, np.float32)
    cut = np.clip(boxes, low, high)
    before, after = ((each[:, 2:] - each[:, :2]) for each in (boxes, cut))
    kept = (after >= LEAST).all(axis=1) & (after.prod(axis=1) >= KEPT * before.prod(axis=1))
    return cut[kept], kept
