"""Measures of a predictor over images, their intervals, and comparisons of predictors. N images, R resamples."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from colourize.evaluation import bootstrap, metrics
from colourize.evaluation.bootstrap import Interval, percentile_interval, resampled_means_of

FLOOR, MODEL, CEILING = "floor", "model", "ceiling"
DECODING = "decoding"  # a model with a decoding other than the arg-max; has only measures of pictures


@dataclass(frozen=True)
class Row:
    """A predictor's columns, [N, ...] each, and the intervals of its measures."""

    name: str
    kind: str
    columns: dict[str, Tensor]
    intervals: dict[str, Interval] = field(default_factory=dict)
    palette: int = 0


class Measure(NamedTuple):
    """A measure; ``statistic`` maps the means over images of its columns, [R, ...] each, to [R]."""

    title: str
    columns: tuple[str, ...]
    statistic: Callable[..., Tensor]
    digits: int = 3
    scale: float = 1.0
    better: str = ""  # "lower", "higher" or ""


def _mean(means: Tensor) -> Tensor:
    return means


MEASURES = {
    "cross_entropy": Measure("cross-entropy, nats", ("cross_entropy",), _mean, better="lower"),
    "skill": Measure("skill", ("cross_entropy", "table"), metrics.skill, better="higher"),
    "top1": Measure("top-1, %", ("top1",), _mean, 1, 100, "higher"),
    "top5": Measure("top-5, %", ("top5",), _mean, 1, 100, "higher"),
    "ece": Measure("calibration error, %", ("bins",), metrics.ece, 1, 100, "lower"),
    "psnr": Measure("PSNR, dB", ("psnr",), _mean, 2, better="higher"),
    "ssim": Measure("SSIM", ("ssim",), _mean, better="higher"),
    "ciede2000": Measure("ΔE00", ("ciede2000",), _mean, 2, better="lower"),
    "ab_error": Measure("ab error", ("ab_error",), _mean, 2, better="lower"),
    "auc": Measure("AuC, %", ("auc",), _mean, 1, 100, "higher"),
    "auc_rebalanced": Measure("AuC rebalanced, %", ("auc_weighted", "auc_weight"), torch.divide, 1, 100, "higher"),
    "colourfulness": Measure("colourfulness", ("colourfulness",), _mean, 1),
    "colourfulness_gap": Measure("distance to truth", ("colourfulness_gap",), _mean, 1, better="lower"),
    "outside": Measure("outside, %", ("outside",), _mean, 2, 100),  # pixels outside the gamut, which are desaturated
}


def columns_of(keys: Iterable[str]) -> set[str]:
    """The columns needed for the measures ``keys``."""
    return {name for key in keys for name in MEASURES[key].columns}


def with_intervals(row: Row, num_resamples: int = 2_000) -> Row:
    """The row with a 95 % bootstrap interval over images of each of its measures; all rows use the same resamples.

    The calibration error is biased upwards in resamples, and so is its interval.
    """
    return all_with_intervals([row], num_resamples)[0]


def all_with_intervals(rows: Sequence[Row], num_resamples: int = 2_000) -> list[Row]:
    """``with_intervals`` of several rows on the same images."""
    values = [_flat(row) for row in rows]
    several = bool(values) and len(values[0]) > 1
    resampled = resampled_means_of(values, num_resamples) if several else [table[:0] for table in values]
    return [
        _with(row, table.mean(0, keepdim=True), means)
        for row, table, means in zip(rows, values, resampled, strict=True)
    ]


def _flat(row: Row) -> Tensor:
    """All columns side by side: float64 [N, ...]."""
    return torch.cat([values.double().reshape(len(values), -1) for values in row.columns.values()], dim=1)


def _with(row: Row, means: Tensor, resampled: Tensor) -> Row:
    """The row with intervals from its columns' means over images [1, ...] and over resamples [R, ...]."""
    names, shapes = list(row.columns), [values.shape[1:] for values in row.columns.values()]
    widths = [shape.numel() for shape in shapes]

    def column(table: Tensor, name: str) -> Tensor:
        place = names.index(name)
        return table.split(widths, dim=1)[place].reshape(len(table), *shapes[place])

    intervals = {}
    for key, measure in MEASURES.items():
        if all(name in row.columns for name in measure.columns):
            estimate = measure.statistic(*(column(means, name) for name in measure.columns)).item()
            replicates = measure.statistic(*(column(resampled, name) for name in measure.columns))
            intervals[key] = (
                percentile_interval(estimate, replicates) if len(resampled) else Interval(estimate, math.nan, math.nan)
            )
    return replace(row, intervals=intervals)


def difference(first: Row, second: Row, key: str, num_resamples: int = 2_000) -> Interval | None:
    """The first row's measure minus the second's on the same images; None if a row lacks the measure."""
    (column, *others) = MEASURES[key].columns
    if others or column not in first.columns or column not in second.columns:
        return None
    return bootstrap.paired(first.columns[column], second.columns[column], num_resamples)


def standing(model: Row, table: Row, prior: Row, ceiling: Row | None = None) -> str:
    """A sentence that compares a model's cross-entropy with the floors and the ceiling by paired bootstrap."""
    loss, table_loss = (row.columns["cross_entropy"].double().mean().item() for row in (model, table))
    figures = f"{loss:.3f} nats a pixel against the table's {table_loss:.3f}"
    if not math.isfinite(loss):
        return f"{model.name} has diverged: its cross-entropy is {loss}. A lower lr may help."
    against = difference(model, table, "cross_entropy")
    assert against is not None
    if model.columns["cross_entropy"].equal(table.columns["cross_entropy"]):
        return f"{model.name} is the look-up table itself: {loss:.3f} nats a pixel."
    if math.isnan(against.low):
        return f"{model.name}: {figures}; one picture gives no interval."
    if against.low > 0:
        below = difference(model, prior, "cross_entropy")
        worst = " and even than the class prior" if below is not None and below.low > 0 else ""
        return f"{model.name} is worse than the look-up table{worst}: {figures}. The table needs no network."
    if not against.high < 0:
        return f"{model.name} is level with the look-up table: {figures}, a difference within the sampling error."
    better = f"{model.name} is better than the look-up table: {figures}"
    gap = difference(model, ceiling, "cross_entropy") if ceiling is not None else None
    if gap is None or ceiling is None:
        return f"{better}."
    best = ceiling.columns["cross_entropy"].double().mean().item()
    where = "worse than" if gap.low > 0 else "better than" if gap.high < 0 else "level with"
    return f"{better}, and {where} the {best:.3f} of a predictor given each pixel's object and grey level."
