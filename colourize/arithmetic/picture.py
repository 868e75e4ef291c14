"""A receptive field over a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from colourize.arithmetic.walk import Field

DIMMED = 0.3  # brightness of what an output does not see


def field_figure(field: Field, picture: NDArray[np.uint8], outputs: Sequence[tuple[int, int]], title: str) -> Figure:
    """What each of the outputs (row, column) sees of a picture [H, W, 3], which lies in the dark elsewhere."""
    figure = Figure(figsize=(2.2 * len(outputs), 2.7), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    for axis, (row, column) in zip(figure.subplots(1, len(outputs), squeeze=False)[0], outputs, strict=True):
        mask = field.mask(row, column)
        axis.imshow(picture / 255 * np.where(mask, 1.0, DIMMED)[..., None], interpolation="nearest")
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="magenta", linewidth=1.5))
        axis.set_title(f"output ({row}, {column})\nsees {mask.sum()} pixels", fontsize=8)
        axis.set(xticks=[], yticks=[])
    return figure
