"""The canvas of drawn pictures, and the colours of the objects. N pictures, H height, W width.

A colour has a grey level g and the tint t of its kind, three numbers of mean zero: RGB = g (1 + t), with t shortened at
the border of the gamut. So mean(R, G, B) = g: the light determines the grey level, the kind determines the tint.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from colourize.data.scenes.drawing import Array, Measure, smooth


class Kind(NamedTuple):
    """A kind of object: a colour, 0 to 255, for its hue and saturation, and the range of its grey level, in [0, 1]."""

    red: int
    green: int
    blue: int
    dark: float = 0.30
    bright: float = 0.75

    def tint(self) -> tuple[float, float]:
        """Red and blue components of the tint: each value divided by the mean, minus one."""
        mean = (self.red + self.green + self.blue) / 3
        return self.red / mean - 1, self.blue / mean - 1


KINDS = {
    "sky": Kind(85, 150, 240, 0.38, 0.78),
    "dusk": Kind(225, 115, 130, 0.40, 0.72),
    "cloud": Kind(240, 242, 250, 0.72, 0.97),
    "sun": Kind(255, 205, 60, 0.62, 0.85),
    "hill": Kind(95, 150, 135, 0.30, 0.62),
    "mountain": Kind(138, 110, 168, 0.26, 0.60),
    "snow": Kind(235, 242, 252, 0.72, 0.95),
    "sea": Kind(35, 140, 160, 0.28, 0.64),
    "lake": Kind(50, 115, 190, 0.28, 0.62),
    "sand": Kind(235, 195, 130, 0.40, 0.80),
    "dune": Kind(225, 135, 75, 0.34, 0.70),
    "grass": Kind(115, 165, 62, 0.28, 0.62),
    "wheat": Kind(240, 185, 50, 0.34, 0.75),
    "lavender": Kind(145, 100, 205, 0.28, 0.60),
    "leaves": Kind(65, 135, 50, 0.22, 0.52),
    "blossom": Kind(240, 125, 175, 0.42, 0.72),
    "poplar": Kind(225, 165, 35, 0.30, 0.62),
    "pine": Kind(25, 105, 80, 0.18, 0.45),
    "palm": Kind(60, 140, 55, 0.22, 0.48),
    "cactus": Kind(60, 140, 85, 0.22, 0.52),
    "wood": Kind(135, 85, 45, 0.18, 0.50),
    "wall": Kind(240, 220, 185, 0.45, 0.88),
    "roof": Kind(215, 75, 45, 0.25, 0.55),
    "window": Kind(90, 140, 190, 0.20, 0.60),
    "stone": Kind(130, 125, 120, 0.25, 0.60),
    "pyramid": Kind(225, 180, 95, 0.35, 0.75),
    "paint": Kind(225, 45, 40, 0.25, 0.55),
    "sail": Kind(245, 240, 228, 0.60, 0.95),
    "balloon": Kind(225, 50, 85, 0.28, 0.60),
    "wool": Kind(240, 232, 215, 0.55, 0.92),
    "parasol": Kind(245, 85, 60, 0.30, 0.62),
    "poppy": Kind(235, 50, 40, 0.26, 0.48),
    "sunflower": Kind(255, 200, 20, 0.46, 0.72),
}
OBJECTS = tuple(KINDS)


class Canvas:
    """N pictures: grey level, tint and kind of object at each pixel, [N, H, W] each.

    ``x`` [1, 1, W] and ``y`` [1, H, 1] are the pixels' centres; ``light`` [N, 1, 1] is -1 for light from
    the left and 1 for light from the right.
    """

    def __init__(self, luck: Array, size: int) -> None:
        """``luck`` [N, M] contains the random numbers, uniform in [0, 1): each decision takes the next column."""
        self.size = size
        centres = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
        self.x, self.y = centres[None, None, :], centres[None, :, None]
        self.luck, self.used = luck, 0
        self.grey, self.red, self.blue = (np.zeros((len(luck), size, size), np.float32) for _ in range(3))
        self.objects: NDArray[np.uint8] = np.zeros(self.grey.shape, np.uint8)
        self.light = np.where(self.chance(0.5), np.float32(-1), np.float32(1))

    def lattice(self, rows: int, columns: int) -> Array:
        """Uniform random numbers in [0, 1): [N, rows, columns]."""
        start, self.used = self.used, self.used + rows * columns
        return self.luck[:, start : self.used].reshape(len(self.luck), rows, columns)

    def noise(self, rows: int, columns: int) -> Array:
        """Smooth noise in [-1, 1]: [N, H, W]; with one row a profile [N, 1, W]."""
        return smooth(2 * self.lattice(rows, columns) - 1, self.size, self.size)

    def between(self, low: Measure, high: Measure) -> Array:
        """One uniform random number between ``low`` and ``high`` per picture, [N, 1, 1]."""
        return (self.lattice(1, 1) * (high - low) + low).astype(np.float32)

    def chance(self, share: float) -> NDArray[np.bool_]:
        """True with probability ``share``, [N, 1, 1]."""
        return self.lattice(1, 1) < np.float32(share)

    def lightness(self, kind: str, unlike: Array | None = None, gap: float = 0.12) -> Array:
        """A random grey level of a kind per picture, [N, 1, 1], at least about ``gap`` away from ``unlike``."""
        level = self.between(KINDS[kind].dark, KINDS[kind].bright)
        if unlike is None:
            return level
        middle = np.float32((KINDS[kind].dark + KINDS[kind].bright) / 2)
        away = np.where(unlike > middle, np.minimum(level, unlike - gap), np.maximum(level, unlike + gap))
        return np.where(np.abs(level - unlike) < gap, away, level)

    def paint(self, kind: str, distance: Array, grey: Array, opacity: Measure = 1.0, vivid: Measure = 1.0) -> None:
        """Paints pixels with a negative signed ``distance`` (unit: picture side); edges are antialiased.

        ``grey`` is the level, ``vivid`` a factor of the tint; all broadcast to [N, H, W].
        """
        cover = np.clip(np.float32(0.5) - distance * np.float32(self.size), 0, 1) * opacity
        red, blue = KINDS[kind].tint()
        tint = (self.red, np.float32(red) * vivid), (self.blue, np.float32(blue) * vivid)
        for field, value in (self.grey, grey), *tint:
            change = value - field
            change *= cover
            field += change
        np.copyto(self.objects, np.uint8(OBJECTS.index(kind)), where=cover >= 0.5)

    def shade(self, distance: Array, grey: Measure, opacity: Measure) -> None:
        """Blends the grey level with ``grey``; the tint does not change."""
        cover = np.clip(np.float32(0.5) - distance * np.float32(self.size), 0, 1) * opacity
        self.grey += (grey - self.grey) * cover

    def tinge(self, kind: str, opacity: Measure) -> None:
        """Blends the tint with the tint of a kind; the grey level does not change."""
        red, blue = KINDS[kind].tint()
        self.red += (np.float32(red) - self.red) * opacity
        self.blue += (np.float32(blue) - self.blue) * opacity

    @contextmanager
    def only(self, chosen: NDArray[np.bool_], *measures: Array) -> Iterator[tuple["Canvas", list[Array]]]:
        """A canvas of the ``chosen`` pictures [N, 1, 1], with their ``measures``; drawing on it changes this canvas."""
        rows = np.flatnonzero(chosen)
        part = copy(self)
        for name in "luck", "grey", "red", "blue", "objects", "light":
            setattr(part, name, getattr(self, name)[rows])
        yield part, [measure[rows] for measure in measures]
        self.used = part.used
        for name in "grey", "red", "blue", "objects":
            getattr(self, name)[rows] = getattr(part, name)

    def pixels(self) -> NDArray[np.uint8]:
        """RGB pictures [N, H, W, 3], 0 to 255."""
        grey = np.clip(self.grey, np.float32(0.05), np.float32(0.98))
        tints = self.red, -self.red - self.blue, self.blue
        most = np.maximum(np.maximum(tints[0], tints[1]), np.maximum(tints[2], np.float32(1e-3)))
        fits = np.minimum(1, (1 - grey) / (grey * most))
        level, strength = grey * 255 + np.float32(0.5), grey * fits * 255
        return np.stack([np.clip(level + strength * tint, 0, 255).astype(np.uint8) for tint in tints], axis=-1)
