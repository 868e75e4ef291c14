"""Intervals by the percentile bootstrap over images (Efron, Tibshirani 1993, chapter 13). N images, R resamples.

A resample draws N images with replacement, so pixels of one image stay together. One seed and one N give the same
resamples for every measure and model, on every device: differences between models are paired.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# The ends then move by about 1 % of the half width from seed to seed.
NUM_RESAMPLES = 10_000
# Images drawn at a time: 32 MB of indices, however many images and resamples there are.
BLOCK = 4_000_000


class Interval(NamedTuple):
    """An estimate on the images at hand, and the interval that covers its expected value with probability `level`."""

    estimate: float
    low: float
    high: float


def interval(
    values: Tensor,
    statistic: Callable[[Tensor], Tensor] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of a statistic of per-image values [N, ...]; by default of the mean of [N].

    `statistic` is a function of the mean over images, batched over resamples: [R, ...] -> [R]. So `metrics.ece` with
    `calibration_bins`. Low and high are absent (NaN) for one image, which says nothing of the spread; all three are
    absent where a value is NaN, low and high where the statistic of a resample is.
    """
    if len(values) == 0:
        raise ValueError("values holds no images; an interval needs at least two: pass the measure of every image, [N]")
    values = values.detach().cpu().double()
    statistic = statistic or (lambda means: means)
    estimate = statistic(values.mean(0, keepdim=True)).item()
    if len(values) == 1:
        return Interval(estimate, torch.nan, torch.nan)
    return percentile_interval(estimate, statistic(resampled_means(values, num_resamples, seed)), level)


def percentile_interval(estimate: float, replicates: Tensor, level: float = 0.95) -> Interval:
    """The interval between percentiles of a statistic's values over resamples, [R]."""
    low, high = replicates.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)).tolist()
    return Interval(estimate, low, high)


def paired(a: Tensor, b: Tensor, num_resamples: int = NUM_RESAMPLES, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean of a minus mean of b, two models' values [N] for the same images; the models differ where 0 lies outside."""
    a, b = _same_images(a, b).unbind(1)
    return interval(a - b, None, num_resamples, level, seed)


def ratio(
    numerator: Tensor, denominator: Tensor, num_resamples: int = NUM_RESAMPLES, level: float = 0.95, seed: int = 0
) -> Interval:
    """Sum of the numerators over sum of the denominators, [N] each, not the mean of the images' ratios.

    Skill is `ratio(table - model, table)`; model a's skill less model b's is `ratio(b - a, table)`; a weighted mean is
    `ratio(weighted sums, weights)`. Absent (NaN) where the denominators sum to 0.
    """
    return interval(_same_images(numerator, denominator), _quotient, num_resamples, level, seed)


def resampled_means(values: Tensor, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> Tensor:
    """Means over images of every resample: [N, ...] -> [R, ...] float64 on the CPU."""
    return resampled_means_of([values], num_resamples, seed)[0]


def resampled_means_of(several: Sequence[Tensor], num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> list[Tensor]:
    """``resampled_means`` of each, all of the same N images, which are drawn once: half of what it costs otherwise."""
    if len({len(values) for values in several}) > 1:
        raise ValueError(f"values are of {[len(values) for values in several]} images; pass those of the same images")
    tables = [values.detach().cpu().double().reshape(len(values), -1) for values in several]
    means: list[list[Tensor]] = [[] for _ in tables]
    for counts in _counts(len(tables[0]), num_resamples, seed):
        for table, blocks in zip(tables, means, strict=True):
            blocks.append(counts @ table / len(table))
    both = zip(several, means, strict=True)
    return [torch.cat(blocks).reshape(num_resamples, *values.shape[1:]) for values, blocks in both]


def _counts(num_images: int, num_resamples: int, seed: int) -> Iterator[Tensor]:
    """How often each image is drawn, in blocks of resamples: multinomial counts, [block, N] float64, R rows in all.

    Counts @ values replaces a gather of R x N x ... values.
    """
    generator = torch.Generator().manual_seed(seed)
    block = max(1, BLOCK // num_images)
    for start in range(0, num_resamples, block):
        rows = min(block, num_resamples - start)
        drawn = torch.randint(num_images, (rows, num_images), generator=generator)
        drawn += num_images * torch.arange(rows)[:, None]
        yield drawn.flatten().bincount(minlength=rows * num_images).view(rows, num_images).double()


def _same_images(a: Tensor, b: Tensor) -> Tensor:
    """2 x [N] -> [N, 2]."""
    if a.shape != b.shape or a.ndim != 1:
        shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise ValueError(f"values have shapes {shapes}; pass one value per image, [N], for the same images")
    return torch.stack([a.detach().cpu().double(), b.detach().cpu().double()], 1)


def _quotient(means: Tensor) -> Tensor:
    """[R, 2] -> [R]."""
    numerator, denominator = means.unbind(1)
    return torch.where(denominator != 0, numerator / denominator, torch.nan)
