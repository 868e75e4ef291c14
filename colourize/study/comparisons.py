"""Settings against each other: the same seed, the same pictures."""

import math
from itertools import combinations
from typing import NamedTuple

from colourize.study.columns import ACCURACY, LOSS, Column, of, over_seeds
from colourize.study.settings import PICTURES, Setting, Study, value_of
from colourize.study.statistics import Paired, paired

MOST_PAIRS = 15


class Comparison(NamedTuple):
    """First minus second: validation loss, and accuracy in percentage points."""

    first: Setting
    second: Setting
    loss: Paired
    accuracy: Paired | None


def best(settings: list[Setting]) -> Setting | None:
    """The setting of the lowest mean validation loss; None where no run is finished."""
    known = [(found.mean, place) for place, each in enumerate(settings) if (found := of(each, LOSS)) is not None]
    return settings[min(known)[1]] if known else None


def compared(study: Study) -> list[Comparison]:
    """Pairs of settings that differ in one thing alone; where these are many, each setting with the best one.

    Losses over other pictures or another palette answer another question: no such pair is made.
    """
    pairs = [
        (first, second)
        for first, second in combinations(study.settings, 2)
        if first.pictures == second.pictures and _apart(study, first, second) <= 1
    ]
    if len(pairs) > MOST_PAIRS:
        pairs = []
        for pictures in sorted({each.pictures for each in study.settings}):
            alike = [each for each in study.settings if each.pictures == pictures]
            if (least := best(alike)) is not None:
                pairs += [(each, least) for each in alike if each is not least]
    found = []
    for first, second in pairs:
        loss = _paired(first, second, LOSS)
        if loss is not None:
            found.append(Comparison(first, second, loss, _paired(first, second, ACCURACY)))
    return found


def _apart(study: Study, first: Setting, second: Setting) -> int:
    names = [name for name in study.varied if name != PICTURES]
    return sum(value_of(first.values, name) != value_of(second.values, name) for name in names)


def _paired(first: Setting, second: Setting, column: Column) -> Paired | None:
    return paired(over_seeds(first, column), over_seeds(second, column))


def rows(found: list[Comparison]) -> list[list[str]]:
    """The comparisons as a table's rows, below their header."""
    head = ["setting", "minus", "pairs", "validation loss", "95 % interval", "accuracy, points", "95 % interval"]
    return [head, *([each.first.label, each.second.label, str(each.loss.n), *_cells(each.loss, 4),
                     *_cells(each.accuracy, 2)] for each in found)]  # fmt: skip


def _cells(found: Paired | None, digits: int) -> list[str]:
    if found is None:
        return ["-", "-"]
    spread = "" if math.isnan(found.sd) else f" ± {found.sd:.{digits}f}"
    interval = "one pair: none" if math.isnan(found.low) else f"{found.low:+.{digits}f} to {found.high:+.{digits}f}"
    return [f"{round(found.mean, digits) + 0.0:+.{digits}f}{spread}", interval]
