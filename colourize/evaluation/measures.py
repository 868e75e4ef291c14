"""Measures of a predictor over images, with intervals, and how two predictors compare. N images, R resamples."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from colourize.evaluation import bootstrap, metrics
from colourize.evaluation.bootstrap import Interval, percentile_interval, resampled_means_of

FLOOR, MODEL, CEILING = "floor", "model", "ceiling"
DECODING = "decoding"  # a model's pictures by another way than the arg-max: measures of pictures alone


@dataclass(frozen=True)
class Row:
    """A predictor's measures: per image for every ``column``, [N, ...], and their intervals by measure."""

    name: str
    kind: str
    columns: dict[str, Tensor]
    intervals: dict[str, Interval] = field(default_factory=dict)
    palette: int = 0


class Measure(NamedTuple):
    """A measure over images, from means over images of its columns, [R, ...] each, to [R]."""

    title: str
    columns: tuple[str, ...]
    statistic: Callable[..., Tensor]
    digits: int = 3
    scale: float = 1.0
    better: str = ""  # "lower", "higher", or neither


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
    "outside": Measure("outside, %", ("outside",), _mean, 2, 100),  # of the gamut: desaturated to fit in
}


def columns_of(keys: Iterable[str]) -> set[str]:
    """The columns of which the measures ``keys`` are made."""
    return {name for key in keys for name in MEASURES[key].columns}


def with_intervals(row: Row, num_resamples: int = 2_000) -> Row:
    """The row with a 95 % bootstrap interval over images of each measure it has; the same resamples for every row.

    The calibration error is biased upwards in resamples, and so is its interval.
    """
    return all_with_intervals([row], num_resamples)[0]


def all_with_intervals(rows: Sequence[Row], num_resamples: int = 2_000) -> list[Row]:
    """``with_intervals`` of each row, all of the same images."""
    values = [_flat(row) for row in rows]
    several = bool(values) and len(values[0]) > 1
    resampled = resampled_means_of(values, num_resamples) if several else [table[:0] for table in values]
    return [
        _with(row, table.mean(0, keepdim=True), means)
        for row, table, means in zip(rows, values, resampled, strict=True)
    ]


def _flat(row: Row) -> Tensor:
    """All columns beside each other: float64 [N, ...]."""
    return torch.cat([values.double().reshape(len(values), -1) for values in row.columns.values()], dim=1)


def _with(row: Row, means: Tensor, resampled: Tensor) -> Row:
    """The row with the intervals that follow from its columns' means, [1, ...], and those of resamples, [R, ...]."""
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
    """The first row's measure minus the second's on the same images, with its interval; None where one lacks it."""
    (column, *others) = MEASURES[key].columns
    if others or column not in first.columns or column not in second.columns:
        return None
    return bootstrap.paired(first.columns[column], second.columns[column], num_resamples)


def standing(model: Row, table: Row, prior: Row, ceiling: Row | None = None) -> str:
    """One plain sentence on where a model's cross-entropy stands, by paired bootstrap over the validation images."""
    loss, table_loss = (row.columns["cross_entropy"].double().mean().item() for row in (model, table))
    figures = f"{loss:.3f} nats a pixel against the table's {table_loss:.3f}"
    if not math.isfinite(loss):
        return f"{model.name} has diverged: its cross-entropy is {loss}. A lower lr may help."
    against = difference(model, table, "cross_entropy")
    assert against is not None
    if model.columns["cross_entropy"].equal(table.columns["cross_entropy"]):
        return f"{model.name} is the look-up table itself: {loss:.3f} nats a pixel."
    if math.isnan(against.low):
        return f"{model.name}: {figures}; one picture says nothing of the spread."
    if against.low > 0:
        below = difference(model, prior, "cross_entropy")
        worst = " and even below the class prior" if below is not None and below.low > 0 else ""
        return f"{model.name} stands below the look-up table{worst}: {figures}. A table without a network does better."
    if not against.high < 0:
        return (
            f"{model.name} stands level with the look-up table: {figures}, a difference within the error of sampling."
        )
    above = f"{model.name} stands above the look-up table: {figures}"
    gap = difference(model, ceiling, "cross_entropy") if ceiling is not None else None
    if gap is None or ceiling is None:
        return f"{above}."
    best = ceiling.columns["cross_entropy"].double().mean().item()
    where = "below" if gap.low > 0 else "above" if gap.high < 0 else "level with"
    return f"{above}, and {where} the {best:.3f} of a predictor given each pixel's object and grey level."
