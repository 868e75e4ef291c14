"""The measures in a report's tables and charts, for settings, floors and ceilings."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from colourize.report.records import Record
from colourize.report.settings import Setting
from colourize.report.statistics import Spread, spread


class Column(NamedTuple):
    """A measure: its key in a finished run, and ``of_rows``, its key in ``evaluation.json`` (also of floors)."""

    key: str
    title: str
    digits: int
    of_rows: str = ""
    scale: float = 1.0


LOSS = Column("val/loss", "validation loss", 4, "cross_entropy")
ACCURACY = Column("val/accuracy", "accuracy, %", 2, "top1", 100)
SKILL = Column("val/skill", "skill", 3, "skill")
AP, AP50 = Column("val/AP", "AP", 3), Column("val/AP50", "AP50", 3)
SECONDS, SPEED = Column("seconds", "seconds", 1), Column("images_per_second", "pictures/s", 0)
LOSSES = (
    AP, AP50, Column("best/val/AP", "AP of the best epoch", 3), LOSS, Column("best/val/loss", "of the best epoch", 4),
    Column("train/loss", "training loss", 4), ACCURACY, SKILL,
)  # fmt: skip
OF_PICTURES = (
    Column("psnr", "PSNR, dB", 2, "psnr"), Column("ssim", "SSIM", 3, "ssim"),
    Column("ciede2000", "ΔE00", 2, "ciede2000"),
    Column("colourfulness", "colourfulness", 1, "colourfulness"), SECONDS, SPEED,
)  # fmt: skip
ABSENT = "-"


def over_seeds(setting: Setting, column: Column) -> dict[int, float]:
    """The measure of each finished run, {seed: value} in the column's unit."""
    return {run.seed: column.scale * run.finals[column.key] for run in setting.runs if column.key in run.finals}


def of(setting: Setting, column: Column) -> Spread | None:
    """Mean and sd over seeds, in the column's unit; None if no run has the measure."""
    return spread(list(over_seeds(setting, column).values()))


def deciding(settings: Sequence[Setting]) -> Column:
    """The measure that ranks settings: AP for detectors, otherwise the validation loss."""
    return AP if any(AP.key in run.finals for each in settings for run in each.runs) else LOSS


def ranked(settings: Sequence[Setting], column: Column | None = None) -> list[Setting]:
    """The settings with a finished run, the best mean first: the lowest loss, or the highest of another measure.

    Args:
        settings: the settings.
        column: the measure; None: ``deciding``.
    """
    column = column or deciding(settings)
    sign = 1 if column is LOSS else -1
    known = [(sign * found.mean, place) for place, each in enumerate(settings) if (found := of(each, column))]
    return [settings[place] for _, place in sorted(known)]


def cell(found: Spread | None, column: Column, runs: int) -> str:
    """Mean ± sd as text; only the mean for one run; with the number of runs if some lack the measure."""
    if found is None:
        return ABSENT
    few = f" (of {found.n})" if found.n < runs else ""
    spread_ = "" if math.isnan(found.sd) else f" ± {found.sd:.{column.digits}f}"
    return f"{found.mean:.{column.digits}f}{spread_}{few}"


def of_row(measures: Mapping[str, float], column: Column) -> str:
    """The cell of a floor or a ceiling."""
    value = measures.get(column.of_rows)
    return ABSENT if value is None else f"{column.scale * value:.{column.digits}f}"


def around(run: Record) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """The floors and ceilings of a run: the rows of ``evaluation.json`` before its network's row, and after it."""
    names = list(run.rows)
    if run.model not in names:
        return {}, {}
    place = names.index(run.model)
    return {name: run.rows[name] for name in names[:place]}, {name: run.rows[name] for name in names[place + 1 :]}


def table_of(run: Record) -> tuple[str, dict[str, float]] | None:
    """The floor with the lowest cross-entropy: the look-up table, or the prior if there are few pictures."""
    floors = {name: row for name, row in around(run)[0].items() if "cross_entropy" in row}
    return min(floors.items(), key=lambda item: item[1]["cross_entropy"]) if floors else None
