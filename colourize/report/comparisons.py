"""Paired comparisons of settings: the same seed, the same pictures."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from colourize.report.columns import ACCURACY, AP, AP50, LOSS, Column, deciding, over_seeds, ranked
from colourize.report.settings import Report, Setting
from colourize.report.statistics import Paired, paired
from colourize.runs.apart import PICTURES, value_of

MOST_PAIRS = 15


class Comparison(NamedTuple):
    """First minus second: of the two measures of ``measures``; the accuracy in percentage points."""

    first: Setting
    second: Setting
    main: Paired
    other: Paired | None


def measures(report: Report) -> tuple[Column, Column]:
    """The measures that are compared: of detectors AP and AP50, otherwise the validation loss and the accuracy."""
    return (AP, AP50) if deciding(report.settings) is AP else (LOSS, ACCURACY)


def compared(report: Report) -> tuple[list[Comparison], bool]:
    """Pairs of settings that differ in one value; without pairs or with too many, each setting against the best one.

    Losses over different pictures or palettes are not comparable, so both settings of a pair share them.

    Returns:
        the pairs, and whether they are pairs with the best setting.
    """
    every = combinations(report.settings, 2)
    found = _made(
        report, [pair for pair in every if pair[0].pictures == pair[1].pictures and _apart(report, *pair) <= 1]
    )
    if 0 < len(found) <= MOST_PAIRS:
        return found, False
    pairs = []
    for pictures in sorted({each.pictures for each in report.settings}):
        alike = [each for each in report.settings if each.pictures == pictures]
        pairs += [(each, least) for least in ranked(alike)[:1] for each in alike if each is not least]
    return _made(report, pairs), True


def _made(report: Report, pairs: Sequence[tuple[Setting, Setting]]) -> list[Comparison]:
    main, other = measures(report)
    found = [(first, second, difference(first, second, main)) for first, second in pairs]
    return [Comparison(a, b, each, difference(a, b, other)) for a, b, each in found if each is not None]


def _apart(report: Report, first: Setting, second: Setting) -> int:
    """Number of varied values in which two settings differ; parameters that only one network has do not count."""
    names = [name for name in report.varied if name != PICTURES]
    if first.values["model"] != second.values["model"]:
        taken = first.values.keys() & second.values.keys()
        names = [name for name in names if not name.startswith("model.") or name in taken]
    return sum(value_of(first.values, name) != value_of(second.values, name) for name in names)


def difference(first: Setting, second: Setting, column: Column) -> Paired | None:
    """First minus second over common seeds, in the column's unit; None without a common seed."""
    return paired(over_seeds(first, column), over_seeds(second, column))


def rows(report: Report, found: list[Comparison]) -> list[list[str]]:
    """The comparisons as rows of a table, header first."""
    main, other = measures(report)
    titles = main.title, other.title.replace("%", "points")
    head = ["setting", "minus", "pairs", titles[0], "95 % interval", titles[1], "95 % interval"]
    return [head, *([each.first.label, each.second.label, str(each.main.n), *_cells(each.main, main.digits),
                     *_cells(each.other, other.digits)] for each in found)]  # fmt: skip


def _cells(found: Paired | None, digits: int) -> list[str]:
    if found is None:
        return ["-", "-"]
    spread = "" if math.isnan(found.sd) else f" ± {found.sd:.{digits}f}"
    interval = "one pair: none" if math.isnan(found.low) else f"{found.low:+.{digits}f} to {found.high:+.{digits}f}"
    return [f"{round(found.mean, digits) + 0.0:+.{digits}f}{spread}", interval]
