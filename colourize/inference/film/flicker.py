"""Measures flicker: the change of colour between frames where the lightness stays. H height, W width."""

import numpy as np
from numpy.typing import NDArray

from colourize.inference import space
from colourize.inference.film.motion import inside, sampled
from colourize.inference.space import Floats

STILL = 1.0  # units of CIELAB's L: largest change of a pixel whose lightness counts as unchanged


def flicker(before: NDArray[np.uint8], now: NDArray[np.uint8], at: Floats | None = None) -> float:
    """Mean distance in CIELAB's (a, b) between a pixel now and the same point of the scene in the frame before, over
    the pixels whose lightness stays; NaN if there are none.

    Args:
        before, now: frames in colour, [H, W, 3].
        at: previous row and column of each pixel, [2, H, W], where the motion is known; None for the same position.
            Positions outside of the frame do not count.
    """
    first, second = (np.moveaxis(space.lab(frame / 255), -1, 0) for frame in (before, now))
    there = np.True_ if at is None else inside(at, (before.shape[0], before.shape[1]))
    first = first if at is None else sampled(first, at)
    counts = (np.abs(second[0] - first[0]) <= STILL) & there
    distance = np.hypot(*(second[1:] - first[1:]))
    return float(distance[counts].mean()) if counts.any() else float("nan")
