"""Figures of receptive fields over a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from colourize.course.arithmetic.fields import Field

DIMMED = 0.3  # brightness of pixels outside the field
PHASES = 4  # neighbouring outputs that are drawn, because their fields may differ


def outputs_to_draw(field: Field) -> list[tuple[int, int]]:
    """The first output and ``PHASES`` neighbours near the middle, as (row, column)."""
    rows, columns = field.shape
    near = ((rows // 8 * 4 + phase, columns // 8 * 4 + phase) for phase in range(PHASES))
    return list(dict.fromkeys([(0, 0), *((min(row, rows - 1), min(column, columns - 1)) for row, column in near)]))


def field_figure(field: Field, picture: NDArray[np.uint8], outputs: Sequence[tuple[int, int]], title: str) -> Figure:
    """The fields of some outputs (row, column) over a picture, uint8 [H, W, 3].

    Pixels outside the field are dark; a frame marks the pixels at the output's own position.
    """
    figure = Figure(figsize=(max(4.4, 2.2 * len(outputs)), 2.7), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    height, width = (max(1, int(stride)) for stride in field.strides)
    for axis, (row, column) in zip(figure.subplots(1, len(outputs), squeeze=False)[0], outputs, strict=True):
        mask = field.mask(row, column)
        top, left = (int(place * stride) for place, stride in zip((row, column), field.strides, strict=True))
        axis.imshow(picture / 255 * np.where(mask, 1.0, DIMMED)[..., None], interpolation="nearest")
        frame = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor="magenta", linewidth=1.5)
        axis.add_patch(frame)
        axis.set_title(f"output ({row}, {column})\nsees {mask.sum()} pixels", fontsize=8)
        axis.set(xticks=[], yticks=[])
    return figure
