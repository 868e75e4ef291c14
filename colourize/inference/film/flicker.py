"""How much colours flicker: their change from frame to frame where nothing else changes. H height, W width."""

import numpy as np
from numpy.typing import NDArray

from colourize.inference import space
from colourize.inference.film.motion import inside, sampled
from colourize.inference.space import Floats

STILL = 1.0  # of CIELAB's L: the lightness of a pixel stays if it changes by no more


def flicker(before: NDArray[np.uint8], now: NDArray[np.uint8], at: Floats | None = None) -> float:
    """Mean distance in (a, b), of CIELAB, between a pixel now and the same thing in the frame before, over the pixels
    whose lightness stays; NaN without any.

    Args:
        before, now: frames in colour, [H, W, 3].
        at: where each pixel was, rows and columns, [2, H, W], where the motion is known; None for the same place.
            Places outside of the frame do not count.
    """
    first, second = (np.moveaxis(space.lab(frame / 255), -1, 0) for frame in (before, now))
    there = np.True_ if at is None else inside(at, (before.shape[0], before.shape[1]))
    first = first if at is None else sampled(first, at)
    counts = (np.abs(second[0] - first[0]) <= STILL) & there
    distance = np.hypot(*(second[1:] - first[1:]))
    return float(distance[counts].mean()) if counts.any() else float("nan")
