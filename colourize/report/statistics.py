"""Spread over seeds: pure functions on numbers. n: number of runs."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


class Spread(NamedTuple):
    """Mean and standard deviation, sqrt(sum (x - mean)^2 / (n - 1)), of n values; sd is NaN for n = 1."""

    n: int
    mean: float
    sd: float


class Paired(NamedTuple):
    """A difference over n pairs, and the 95 % interval of its mean; sd and ends are NaN for n = 1."""

    n: int
    mean: float
    sd: float
    low: float
    high: float


class Band(NamedTuple):
    """A curve over epochs [E]: mean and sd over the runs that reached each epoch; sd is NaN for one run."""

    epochs: np.ndarray
    mean: np.ndarray
    sd: np.ndarray


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and sd of finite values; None without a value."""
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return Spread(len(values), mean, math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else math.nan)


def paired(first: Mapping[int, float], second: Mapping[int, float], level: float = 0.95) -> Paired | None:
    """First minus second over common seeds, each {seed: value}; None without a common seed.

    The interval is Student's, mean ± t(n - 1) sd / sqrt(n): exact where differences are normal, and wide for few seeds.
    """
    found = spread([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])
    if found is None:
        return None
    half = math.nan
    if found.n > 1:
        half = float(stdtrit(found.n - 1, (1 + level) / 2)) * found.sd / math.sqrt(found.n)
    return Paired(*found, found.mean - half, found.mean + half)


def band(curves: Sequence[Mapping[int, float]]) -> Band:
    """Mean and spread at each epoch of curves {epoch: value}, one for each run."""
    epochs = sorted(set().union(*curves)) if curves else []
    found = [spread([curve[epoch] for curve in curves if epoch in curve]) for epoch in epochs]
    known = [each for each in found if each is not None]
    return Band(np.array(epochs), np.array([each.mean for each in known]), np.array([each.sd for each in known]))
