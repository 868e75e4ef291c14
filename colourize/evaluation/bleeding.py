"""Colours that bleed over edges: the error of the chroma where the lightness is steep. H height, W width.

A network that gives colours of blocks of pixels, or blurred ones, is wrong there even if it knows the colours.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.float64]
STEEP = 0.9  # quantile of the gradient above which pixels are edges


class Errors(NamedTuple):
    """Mean distance in CIELAB's (a, b): over all pixels, and over the tenth with the steepest lightness."""

    all: float
    edges: float


def steep(lightness: Array) -> NDArray[np.bool_]:
    """The tenth of the pixels with the steepest lightness: [H, W] -> bool [H, W]; all where none is steeper."""
    slopes = [np.gradient(lightness, axis=axis) for axis in (0, 1) if lightness.shape[axis] > 1]
    slope = np.sqrt(sum((each**2 for each in slopes), np.zeros_like(lightness)))
    edges = slope > np.quantile(slope, STEEP)
    return edges if edges.any() else np.ones_like(edges)


def errors(chroma: Array, truth: Array, edges: NDArray[np.bool_]) -> Errors:
    """The errors of a picture's chroma: two [2, H, W] in (a, b), bool [H, W] of ``steep``."""
    error = np.linalg.norm(chroma - truth, axis=0)
    return Errors(float(error.mean()), float(error[edges].mean()))
