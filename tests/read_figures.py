"""Reads the pixels of saved figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from PIL import Image


def colours_at(file: Path, axis: Axes, places: Sequence[tuple[float, float]]) -> np.ndarray:
    """Colours [N, 3], 0 to 255, of a saved figure at places (x, y) in the coordinates of an axis's data."""
    with Image.open(file) as picture:
        drawn = np.asarray(picture.convert("RGB"))
    columns, rows = np.floor(axis.transData.transform(places)).astype(int).T
    return drawn[len(drawn) - 1 - rows, columns]
