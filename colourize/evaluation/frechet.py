"""Fréchet distance between two sets of features, as if both were normal. N and M pictures, D features.

Heusel and others 2017 (arXiv 1706.08500) take 2,048 features of Inception-v3 and call it FID. Here the features are
those of another network, so no figure can be compared with a published FID.
"""

import torch
from torch import Tensor


def distance(first: Tensor, second: Tensor) -> float:
    """|m1 - m2|² + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2), with means m and covariances C: [N, D], [M, D] -> >= 0.

    With X the centred features divided by sqrt(N - 1), C = X'X. The eigenvalues of C1 C2 that are not 0 are the
    squares of the singular values of X1 X2', [N, M], so the last trace is their sum. This is exact where the
    covariances are singular, as they are for N <= D, and needs no root of a [D, D] matrix.

    Raises:
        ValueError: fewer than two pictures in a set.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(f"both sets must contain >= 2 pictures, got {len(first)} and {len(second)}")
    first, second = first.double(), second.double()
    one, two = ((each - each.mean(0)) / (len(each) - 1) ** 0.5 for each in (first, second))
    root = torch.linalg.svdvals(one @ two.T).sum()
    means = (first.mean(0) - second.mean(0)).square().sum()
    return max(0.0, float(means + one.square().sum() + two.square().sum() - 2 * root))
