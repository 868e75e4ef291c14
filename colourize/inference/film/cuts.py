"""Finds the cuts of a film, where the averaging over frames restarts. h, w pixels of a small grey picture."""

import numpy as np

from colourize.inference.space import Floats

BINS = 32
APART = 0.35  # distance of two histograms, in [0, 1], above which there is a cut


def is_cut(before: Floats, now: Floats) -> bool:
    """Whether two frames belong to different shots: the distance between their histograms of grey levels (half the
    sum of differences, in [0, 1]) is above 0.35. A pan or a moving object changes little of a histogram.

    Args:
        before, now: greys in [0, 1], [h, w].
    """
    return distance(before, now) > APART


def distance(before: Floats, now: Floats) -> float:
    """Total variation between the histograms of two greys: 0 for equal ones, 1 for disjoint ones."""
    first, second = (_histogram(grey) for grey in (before, now))
    return float(np.abs(first - second).sum() / 2)


def _histogram(grey: Floats) -> Floats:
    """Shares of the grey levels. Each pixel is split between its two nearest bins, so a slow fade is not a cut."""
    place = np.clip(grey, 0, 1).ravel() * (BINS - 1)
    lower = np.minimum(place.astype(np.intp), BINS - 2)
    upper = place - lower
    counts = np.bincount(lower, 1 - upper, BINS) + np.bincount(lower + 1, upper, BINS)
    return (counts / grey.size).astype(np.float32)
