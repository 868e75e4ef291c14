"""Average precision, with intervals. N pictures, K classes, T thresholds of the IoU, R resamples, D boxes found.

The average precision of a class is the mean over 101 recalls 0, 0.01, ... 1 of the highest precision at that recall or
a higher one. AP is its mean over classes and over the thresholds 0.5, 0.55, ... 0.95; AP50 is that of 0.5 alone.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from colourize.data.boxes.boxed import Boxed, Found
from colourize.evaluation.bootstrap import Interval, percentile_interval, resampled_means
from colourize.evaluation.detection.matches import Matches, matches

RECALLS = np.linspace(0, 1, 101)
RESAMPLES = 1000
Array = NDArray[np.float64]


class Precision(NamedTuple):
    """AP and AP50 in [0, 1], and both by class, float64 [K]; NaN for a class without true boxes."""

    ap: float
    ap50: float
    by_class: Array
    by_class50: Array


class PrecisionIntervals(NamedTuple):
    """AP and AP50 with 95 % intervals over pictures."""

    ap: Interval
    ap50: Interval


def precision(truth: Boxed, found: Sequence[Found]) -> Precision:
    """The average precision of a detector's boxes in each picture.

    Raises:
        InputError: pycocotools is not installed.
    """
    values = averages(matches(truth, found), np.ones((1, len(truth))))[0]
    ap, ap50 = _means(values[None])
    by_class = values.mean(axis=1)
    return Precision(float(ap[0]), float(ap50[0]), by_class, values[:, 0])


def intervals(
    truth: Boxed, found: Sequence[Found], num_resamples: int = RESAMPLES, seed: int = 0
) -> PrecisionIntervals:
    """AP and AP50 with intervals by the bootstrap over pictures (``evaluation.bootstrap``)."""
    counts = resampled_counts(len(truth), num_resamples, seed)
    by_class = matches(truth, found)
    estimates = _means(averages(by_class, np.ones((1, len(truth)))))
    replicates = _means(averages(by_class, counts))
    ap, ap50 = (_interval(float(one[0]), many) for one, many in zip(estimates, replicates, strict=True))
    return PrecisionIntervals(ap, ap50)


def resampled(truth: Boxed, found: Sequence[Found], counts: Array) -> tuple[Array, Array]:
    """AP and AP50 of resamples in which pictures are drawn ``counts`` [R, N] times: float64 [R] each."""
    return _means(averages(matches(truth, found), counts))


def difference(
    truth: Boxed,
    first: Sequence[Found],
    second: Sequence[Found],
    num_resamples: int = RESAMPLES,
    seed: int = 0,
) -> PrecisionIntervals:
    """AP and AP50 of a detector minus those of a second one on the same pictures, with intervals of the difference."""
    counts = resampled_counts(len(truth), num_resamples, seed)
    whole = np.ones((1, len(truth)))
    one, other = matches(truth, first), matches(truth, second)
    estimates = [a - b for a, b in zip(_means(averages(one, whole)), _means(averages(other, whole)), strict=True)]
    pairs = zip(_means(averages(one, counts)), _means(averages(other, counts)), strict=True)
    ap, ap50 = (_interval(float(each[0]), a - b) for each, (a, b) in zip(estimates, pairs, strict=True))
    return PrecisionIntervals(ap, ap50)


def resampled_counts(num_pictures: int, num_resamples: int, seed: int) -> Array:
    """How often each picture is drawn: float64 [R, N]; the same draws as those of ``evaluation.bootstrap``."""
    return (resampled_means(torch.eye(num_pictures), num_resamples, seed) * num_pictures).round().numpy()


def averages(by_class: Sequence[Matches], counts: Array) -> Array:
    """The average precision of resamples: float64 [R, K, T], for pictures drawn ``counts`` [R, N] times.

    A picture drawn twice counts as two pictures, with all their boxes. NaN for a class without true boxes.
    """
    return np.stack([_average(each, counts) for each in by_class], axis=1)


def _average(found: Matches, counts: Array) -> Array:
    """The average precision of one class: [R, T]."""
    positives = counts @ found.positives
    known = positives > 0
    weights = counts[known][:, found.pictures]
    needed = _hits_needed(positives[known])
    result = np.full((len(counts), len(found.true)), np.nan)
    for threshold, (true, ignored) in enumerate(zip(found.true, found.ignored, strict=True)):
        hits = np.cumsum(weights * (true & ~ignored), axis=1)
        misses = np.cumsum(weights * (~true & ~ignored), axis=1)
        result[known, threshold] = _highest(_share(hits, misses), _places(hits, needed)).mean(axis=1)
    return result


def interpolated(recall: Array, precision: Array) -> Array:
    """The highest precision at each of 101 recalls or a higher one, 0 beyond the highest: float64 [101].

    Args:
        recall: after each box found, best first: [D], ascending.
        precision: after each box found: [D].
    """
    return _highest(precision[None], np.searchsorted(recall, RECALLS, side="left")[None])[0]


def _highest(precision: Array, places: NDArray[np.intp]) -> Array:
    """The highest precision [R, D] at each of ``places`` [R, 101] or a later one, 0 at place D: [R, 101]."""
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.take_along_axis(np.pad(envelope, ((0, 0), (0, 1))), places, axis=1)


def _hits_needed(positives: Array) -> Array:
    """The smallest whole h with h / positives >= recall, for each of 101 recalls: [R] -> float64 [R, 101]."""
    positives = positives[:, None]
    needed = np.ceil(RECALLS * positives)  # but for the rounding of the product
    needed -= (needed - 1) / positives >= RECALLS
    return needed + (needed / positives < RECALLS)


def _places(hits: Array, needed: Array) -> NDArray[np.intp]:
    """The first place at which the whole numbers ``hits`` [R, D], ascending, reach ``needed`` [R, 101]; else D."""
    rows = np.arange(len(hits))[:, None]
    apart = rows * (1 + max(hits.max(initial=0), needed.max(initial=0)))  # all rows in one ascending sequence
    found = np.searchsorted((hits + apart).ravel(), (needed + apart).ravel(), side="left")
    return found.reshape(needed.shape) - rows * hits.shape[1]


def _share(hits: Array, misses: Array) -> Array:
    total = hits + misses
    return np.divide(hits, total, out=np.zeros_like(hits), where=total > 0)


def _means(values: Array) -> tuple[Array, Array]:
    """AP and AP50 over the classes that have true boxes: [R, K, T] -> [R] and [R]."""
    with warnings.catch_warnings(action="ignore"):  # numpy warns of a mean of nothing, which is NaN
        return np.nanmean(values, axis=(1, 2)), np.nanmean(values[..., 0], axis=1)


def _interval(estimate: float, replicates: Array) -> Interval:
    known = torch.from_numpy(replicates[np.isfinite(replicates)])
    if len(known) < 2:
        return Interval(estimate, torch.nan, torch.nan)
    return percentile_interval(estimate, known)
