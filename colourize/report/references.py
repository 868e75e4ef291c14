"""The references in a report's charts: floors, ceilings, published results."""

import math
from collections.abc import Callable, Sequence

from colourize.report.canvas import MOST_SERIES
from colourize.report.charts import Level, Mark, Point, Series
from colourize.report.columns import ACCURACY, LOSS, Column, around, table_of
from colourize.report.published import matching
from colourize.report.settings import Setting


def levels(settings: Sequence[Setting], column: Column, values: Sequence[float]) -> tuple[list[Level], str]:
    """Floors and ceilings near the values, as lines; and a sentence on the others, which are not drawn."""
    if not column.of_rows or not values or len({each.pictures for each in settings}) > 1:
        return [], ""
    run = next((run for each in settings for run in each.runs if around(run)[0]), None)
    if run is None:
        return [], ""
    floors, ceilings = around(run)
    trivial = {name for name, row in ceilings.items() if not row.get("cross_entropy")}
    first = table_of(run)
    low, high = min(values), max(values)
    drawn, far = [], []
    for name, row in {**floors, **ceilings}.items():
        value = column.scale * row.get(column.of_rows, math.nan)
        if "cross_entropy" not in row or not math.isfinite(value) or name in trivial:
            continue
        near = low - (high - low) < value < high + (high - low) / 2
        if near or (first and name == first[0]):
            drawn.append(Level(name, value))
        else:
            far.append(f"{name} {value:.{column.digits}f}")
    return drawn, f" Beyond the chart: {', '.join(far)}." if far else ""


def published(settings: Sequence[Setting], column: Column, place_of: Callable[[Setting], float]) -> list[Mark]:
    """Published results, each at the place of the setting that it matches."""
    marks = []
    for each in settings if column in (LOSS, ACCURACY) else ():
        if found := matching(each.values):
            mean, sd = found.loss if column is LOSS else found.accuracy
            marks.append(Mark(str(each.values["model"]), place_of(each), column.scale * mean, column.scale * sd))
    return marks


def floor_along(settings: Sequence[Setting], column: Column, place_of: Callable[[Setting], float]) -> list[Series]:
    """The look-up table along the swept value, for settings that differ in palette or pictures; else empty."""
    if not column.of_rows or len({each.pictures for each in settings}) == 1:
        return []
    found: dict[float, float] = {}
    names = set()
    for each in settings:
        known = next((table for run in each.runs if (table := table_of(run)) is not None), None)
        if known is not None and column.of_rows in known[1]:
            value = column.scale * known[1][column.of_rows]
            if not math.isclose(found.setdefault(place_of(each), value), value):
                return []  # several floors at one place do not form a line
            names.add(known[0])
    points = [Point(x, [], value, math.nan) for x, value in sorted(found.items())]
    return [Series(" / ".join(sorted(names)), points, hollow=True, number=MOST_SERIES - 1)] if points else []
