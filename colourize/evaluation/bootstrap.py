"""Intervals by the percentile bootstrap over images (Efron, Tibshirani 1993, chapter 13). N images, R resamples.

A resample draws N images with replacement, so the pixels of an image stay together. The same seed and N give the same
resamples for every measure, model and device; differences between models are therefore paired.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# With this number the ends vary by about 1 % of the half width between seeds.
NUM_RESAMPLES = 10_000
# Images drawn at a time, which bounds the indices to 32 MB.
BLOCK = 4_000_000


class Interval(NamedTuple):
    """An estimate on the given images, and an interval that covers its expected value with probability ``level``."""

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
    """Interval of a statistic of per-image values; by default of their mean.

    Args:
        values: [N, ...], one entry per image.
        statistic: a function of the mean over images, batched over resamples: [R, ...] -> [R]. An example is
            `metrics.ece` with values from `metrics.calibration_bins`.
        num_resamples: R.
        level: probability that the interval covers the expected value, in (0, 1).
        seed: of the resamples.

    Returns:
        The estimate, low and high. Low and high are NaN for a single image, because it has no spread, and where the
        statistic of a resample is NaN; all three are NaN where a value is NaN.

    Raises:
        ValueError: no images.
    """
    if len(values) == 0:
        raise ValueError("values must contain at least one image, got 0 images; pass the measure of every image, [N]")
    values = values.detach().cpu().double()
    statistic = statistic or (lambda means: means)
    estimate = statistic(values.mean(0, keepdim=True)).item()
    if len(values) == 1:
        return Interval(estimate, torch.nan, torch.nan)
    return percentile_interval(estimate, statistic(resampled_means(values, num_resamples, seed)), level)


def percentile_interval(estimate: float, replicates: Tensor, level: float = 0.95) -> Interval:
    """The interval between percentiles of a statistic's values over resamples [R]; `level` in (0, 1)."""
    low, high = replicates.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)).tolist()
    return Interval(estimate, low, high)


def paired(a: Tensor, b: Tensor, num_resamples: int = NUM_RESAMPLES, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean of `a` minus mean of `b`, two models' values [N] on the same images.

    The models differ significantly if 0 is outside the interval.

    Raises:
        ValueError: values of other shapes, or no images.
    """
    a, b = _same_images(a, b).unbind(1)
    return interval(a - b, None, num_resamples, level, seed)


def ratio(
    numerator: Tensor, denominator: Tensor, num_resamples: int = NUM_RESAMPLES, level: float = 0.95, seed: int = 0
) -> Interval:
    """Sum of the numerators [N] divided by the sum of the denominators [N]; not the mean of the images' ratios.

    Skill is `ratio(table - model, table)`. The skill of model a minus that of model b is `ratio(b - a, table)`. A
    weighted mean is `ratio(weighted sums, weights)`. NaN where the denominators sum to 0.

    Raises:
        ValueError: values of other shapes, or no images.
    """
    return interval(_same_images(numerator, denominator), _quotient, num_resamples, level, seed)


def resampled_means(values: Tensor, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> Tensor:
    """Mean over images of each resample: [N, ...] -> float64 [R, ...] on the CPU."""
    return resampled_means_of([values], num_resamples, seed)[0]


def resampled_means_of(several: Sequence[Tensor], num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> list[Tensor]:
    """``resampled_means`` of several values of the same images: a list of [N, ...] -> a list of float64 [R, ...].

    The images are drawn once for all of them, which halves the time.

    Raises:
        ValueError: values of different numbers of images.
    """
    if len({len(values) for values in several}) > 1:
        raise ValueError(
            f"values must be of the same images, got {[len(values) for values in several]} images; pass equal N"
        )
    tables = [values.detach().cpu().double().reshape(len(values), -1) for values in several]
    means: list[list[Tensor]] = [[] for _ in tables]
    for counts in _counts(len(tables[0]), num_resamples, seed):
        for table, blocks in zip(tables, means, strict=True):
            blocks.append(counts @ table / len(table))
    both = zip(several, means, strict=True)
    return [torch.cat(blocks).reshape(num_resamples, *values.shape[1:]) for values, blocks in both]


def _counts(num_images: int, num_resamples: int, seed: int) -> Iterator[Tensor]:
    """Number of draws of each image, multinomial, in blocks of resamples: float64 [block, N], R rows in total.

    The product counts @ values replaces a gather of R x N x ... values.
    """
    generator = torch.Generator().manual_seed(seed)
    block = max(1, BLOCK // num_images)
    for start in range(0, num_resamples, block):
        rows = min(block, num_resamples - start)
        drawn = torch.randint(num_images, (rows, num_images), generator=generator)
        drawn += num_images * torch.arange(rows)[:, None]
        yield drawn.flatten().bincount(minlength=rows * num_images).view(rows, num_images).double()


def _same_images(a: Tensor, b: Tensor) -> Tensor:
    """Stacks two values per image: 2 x [N] -> [N, 2]."""
    if a.shape != b.shape or a.ndim != 1:
        shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise ValueError(f"values must have the same shape [N], got {shapes}; pass one value per image")
    return torch.stack([a.detach().cpu().double(), b.detach().cpu().double()], 1)


def _quotient(means: Tensor) -> Tensor:
    """First over second value, NaN where the second is 0: [R, 2] -> [R]."""
    numerator, denominator = means.unbind(1)
    return torch.where(denominator != 0, numerator / denominator, torch.nan)
