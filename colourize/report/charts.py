"""Charts of a report as SVG; series differ in colour, marker and line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from colourize.report.canvas import COLOURS, INK, LINES, MARKERS, STYLE, Axis, as_svg, blank, factored, log_axis, short
from colourize.report.statistics import Band

LONGEST = 46  # letters of a row's name


class Level(NamedTuple):
    """A line across a chart: a floor or a ceiling."""

    name: str
    value: float


class Mark(NamedTuple):
    """A published result, mean ± sd, at the place of the setting it matches: an x, or a row of the chart."""

    name: str
    place: float
    mean: float
    sd: float
    number: int = 5  # of its colour


@dataclass(frozen=True)
class Point:
    """Values over seeds at one place; x is a number, or a row of the chart."""

    x: float
    values: Sequence[float]
    mean: float
    sd: float


@dataclass(frozen=True)
class Series:
    """Points of one line of a chart; ``hollow`` ones have no fill and no dots of runs."""

    name: str
    points: Sequence[Point]
    hollow: bool = False
    number: int = 0  # of its colour


@dataclass(frozen=True)
class Curve:
    """A measure over epochs for one setting; ``quiet``: thin and grey; ``dashed``: a measure of training."""

    name: str
    band: Band
    number: int = 0
    dashed: bool = False
    quiet: bool = False


def curves(lines: Sequence[Curve], levels: Sequence[Level], marks: Sequence[Mark], axis: Axis) -> str:
    """A measure over epochs: means over seeds as lines, mean ± sd as bands."""
    with mpl.rc_context(STYLE):
        named = sum(not (line.quiet or line.dashed) for line in lines)
        figure, axes = blank(3.0 + 0.15 * (named + len(levels) + len(marks)))
        for line in lines:
            style: dict[str, Any] = {"color": COLOURS[line.number], "linestyle": LINES[line.number], "linewidth": 1.4}
            if line.quiet:
                style = {"color": INK, "alpha": 0.25, "linewidth": 0.7}
            if line.dashed:
                style |= {"linestyle": (0, (1, 1.6)), "linewidth": 1.1}
            epochs, mean, sd = line.band
            label = None if line.quiet or line.dashed else line.name
            axes.plot(epochs, mean, label=label, marker="o" if len(epochs) == 1 else None, **style)
            if not line.quiet and np.isfinite(sd).any():
                band: dict[str, Any] = {"color": COLOURS[line.number], "alpha": 0.18, "linewidth": 0}
                axes.fill_between(epochs, mean - sd, mean + sd, **band)
        _levels(axes, levels)
        _marks(axes, marks)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        return as_svg(figure, axes, axis)


def lines(curves: Sequence[Curve], axis: Axis) -> str:
    """Lines over any numbers, without bands and levels."""
    with mpl.rc_context(STYLE):
        figure, axes = blank(3.0 + 0.15 * len(curves))
        for line in curves:
            style: dict[str, Any] = {"color": COLOURS[line.number], "linestyle": LINES[line.number], "linewidth": 1.4}
            axes.plot(line.band[0], line.band[1], label=line.name, **style)
        return as_svg(figure, axes, axis)


def swept(series: Sequence[Series], levels: Sequence[Level], marks: Sequence[Mark], axis: Axis) -> str:
    """A measure against a number: every run as a small dot, mean ± sd over seeds as a marker with bars."""
    with mpl.rc_context(STYLE):
        figure, axes = blank(3.0 + 0.15 * (len(series) + len(levels) + len(marks)))
        if axis.log:
            log_axis(axes)
        for one in series:
            colour = COLOURS[one.number]
            x, mean, sd = (np.array([getattr(point, name) for point in one.points]) for name in ("x", "mean", "sd"))
            fill = "none" if one.hollow else colour
            line = (0, (1, 1.6)) if one.hollow else LINES[one.number]
            axes.errorbar(
                x, mean, sd, color=colour, marker=MARKERS[one.number], markerfacecolor=fill,
                linestyle=line, linewidth=1.1, capsize=3, elinewidth=1.1, label=one.name,
            )  # fmt: skip
            for point in one.points if not one.hollow else ():
                axes.plot([point.x] * len(point.values), point.values, ".", color=colour, alpha=0.45, markersize=4)
        _levels(axes, levels)
        _marks(axes, marks)
        places = sorted({point.x for one in series for point in one.points})
        if _apart(np.log(places) if axis.log else np.array(places)):
            axes.xaxis.set_major_locator(FixedLocator(places))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        return as_svg(figure, axes, axis)


def rows(points: Sequence[Point], levels: Sequence[Level], marks: Sequence[Mark], axis: Axis) -> str:
    """A measure for each setting, one row each: every run as a dot, mean ± sd as a marker with bars."""
    with mpl.rc_context(STYLE):
        count = len(axis.ticks)
        figure, axes = blank(1.0 + 0.15 * (2 + len(levels) + bool(marks)) + max(0.19, 0.34 - 0.01 * count) * count)
        mean, sd = np.array([point.mean for point in points]), np.array([point.sd for point in points])
        places = [point.x for point in points]
        style: dict[str, Any] = {
            "color": COLOURS[0],
            "marker": "D",
            "linestyle": "none",
            "capsize": 2.5,
            "elinewidth": 1.1,
        }
        several = bool(np.isfinite(sd).any())
        axes.errorbar(mean, places, xerr=sd, label="mean ± sd" if several else "the only run", **style)
        dots: dict[str, Any] = {"color": COLOURS[1], "markersize": 5, "linestyle": "none", "marker": ".", "zorder": 3}
        for number, point in enumerate(points) if several else ():
            axes.plot(point.values, [point.x] * len(point.values), label=None if number else "one run", **dots)
        _levels(axes, levels, upright=True)
        for mark in marks:
            band: dict[str, Any] = {"color": COLOURS[mark.number], "alpha": 0.55, "linewidth": 0}
            label = "published, mean ± sd" if mark is marks[0] else None
            ends = mark.mean - mark.sd, mark.mean + mark.sd
            axes.fill_betweenx([mark.place - 0.45, mark.place + 0.45], *ends, label=label, **band)
        names = list(axis.ticks.values())
        heading, names = factored(names) if max(map(len, names)) > LONGEST else (axis.y, names)
        axes.set_yticks(list(axis.ticks), [short(name, LONGEST) for name in names], fontsize=8 if count < 25 else 7)
        axes.set_ylim(count - 0.4, -0.6)
        return as_svg(figure, axes, replace(axis, y=heading))


def _levels(axes: Axes, levels: Sequence[Level], upright: bool = False) -> None:
    line = axes.axvline if upright else axes.axhline
    for level, dashes in zip(levels, cycle(("-.", "--", (0, (4, 2, 1, 2, 1, 2))))):
        line(level.value, color=INK, alpha=0.75, linewidth=1.1, linestyle=dashes, label=level.name)


def _marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """Draws a broad dash at the mean and a bar for the sd, behind the settings' own points."""
    for name, place, mean, sd, number in marks:
        style: dict[str, Any] = {"color": COLOURS[number], "alpha": 0.6, "marker": "_", "markersize": 15}
        label = f"published {name}, mean ± sd"
        axes.errorbar([place], [mean], yerr=[sd], label=label, linestyle="none", elinewidth=5, zorder=1, **style)


def _apart(places: np.ndarray) -> bool:
    """Whether the places are far enough apart for a number at each."""
    return len(places) < 2 or np.diff(places).min() > 0.08 * np.ptp(places)
