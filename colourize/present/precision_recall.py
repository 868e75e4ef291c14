"""A chart of precision against recall. D boxes found of a class."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from colourize.present.figures import wrapped

MOST = 10  # classes with a line of their own colour
Line = tuple[NDArray[np.float64], NDArray[np.float64]]


def precision_figure(lines: Mapping[str, Line], title: str = "") -> Figure:
    """One line for each class: recall and precision, float64 [D] each in [0, 1]; the first ``MOST`` are shown."""
    figure = Figure(figsize=(6, 4.2), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    axis = figure.subplots()
    for name, (recall, precision) in list(lines.items())[:MOST]:
        axis.step(np.append(0, recall), np.append(precision[:1], precision), where="pre", label=wrapped(name))
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axis.grid(alpha=0.3)
    if lines:
        figure.legend(fontsize=8, loc="outside right upper")
    return figure
