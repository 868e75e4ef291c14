"""Draws figures as SVG. Text and axes have the colour of the page's text (``currentColor``).

Series have the colours of Okabe and Ito (2008), which readers with colour-vision deficiency can distinguish; the page's
text colour replaces their black.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from colourize.present.terminal import clean

INK = "#010203"  # placeholder for currentColor: matplotlib does not know that name
COLOURS = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", INK
MARKERS = "o", "s", "^", "D", "v", "P", "X"
LINES = "-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (8, 1)), (0, (7, 2, 2, 2)), (0, (2, 1)), "-"
MOST_SERIES = len(COLOURS)
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "colourize", "font.size": 9, "legend.fontsize": 8, "axes.titlesize": 9,
    "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "lines.markersize": 4.5, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
    "ytick.color": INK, "grid.color": INK, "grid.alpha": 0.15, "axes.grid": True, "axes.axisbelow": True,
    "axes.titlecolor": INK,
}  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """Labels and scale of a chart's axes. ``ticks``: names of rows by place; ``limits``: ends of the y axis."""

    x: str
    y: str
    log: bool = False
    ticks: Mapping[float, str] = field(default_factory=dict)
    from_zero: bool = False
    limits: tuple[float, float] | None = None


def blank(height: float) -> tuple[Figure, Axes]:
    """A figure of a height (inches) and its axes, with a transparent background; call under ``STYLE``."""
    figure = Figure(figsize=(4.8, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    return figure, axes


def log_axis(axes: Axes) -> None:
    """Makes the x axis logarithmic, with numbers only at powers of ten."""
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())


def limits(values: Sequence[float], levels: Sequence[float] = (), times: float = 2) -> tuple[float, float] | None:
    """Ends of the y axis, the upper one at ``times`` the median; None if no value is above that.

    Values beyond it would flatten the rest of the chart.
    """
    low, high = min([*values, *levels]), times * float(np.median(values))
    return (low - 0.05 * (high - low), high) if low >= 0 and max(values) > high else None


def short(name: str, most: int = 34) -> str:
    """A name of at most ``most`` letters, with dollars escaped, because matplotlib reads them as mathematics."""
    name = clean(name)
    name = name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-most // 2 :]}"
    return name.replace("$", r"\$")


def factored(names: Sequence[str]) -> tuple[str, list[str]]:
    """The keys that all names share, and the names without them.

    ``a=1, b=2``, ``a=3, b=4`` -> ``a, b``; ``1, 2``, ``3, 4``.

    Names with different keys stay unchanged, with an empty heading.
    """
    pairs = [[part.partition("=")[::2] for part in name.split(", ")] for name in names]
    keys = {tuple(key for key, _ in name) for name in pairs}
    if len(keys) != 1 or not all(value for name in pairs for _, value in name):
        return "", list(names)
    return ", ".join(*keys), [", ".join(value for _, value in name) for name in pairs]


def as_svg(figure: Figure, axes: Axes, axis: Axis) -> str:
    """The figure as SVG, with axis labels; with a legend below it if there are several labels."""
    axes.set(xlabel=axis.x, ylabel=axis.y)
    if axis.from_zero and not axis.ticks:
        axes.set_ylim(bottom=0)
    if axis.limits is not None:
        axes.set_ylim(*axis.limits)
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        columns = 2 if max(map(len, labels)) <= 26 else 1
        labels = [short(label, 30 if columns == 2 else 56) for label in labels]
        figure.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=2.6, columnspacing=1.2)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _own_colours(buffer.getvalue())


def _own_colours(svg: str) -> str:
    """The SVG without prologue, metadata and unused ids, with ``INK`` as currentColor."""
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    used = set(re.findall(r"#([\w-]+)", svg))
    return re.sub(r' id="([\w-]+)"', lambda found: found[0] if found[1] in used else "", svg)
