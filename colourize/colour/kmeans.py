"""K-means over the pixels of images. N images, H height, W width, K colours, C channels, U unique colours, P points.

Equal pixels are merged first, which makes k-means over millions of pixels fast: the 5,120,000 pixels of CIFAR-10's
horses have fewer than 600,000 distinct colours.
"""

import numpy as np
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor

from colourize.colour.rgb import FEW, LEVELS, PIXELS, packed, unpacked
from colourize.colour.spaces import RGB, Space
from colourize.errors import InputError

FIT_VERSION = 1  # part of a cached palette's name: increase it when `fit` gives other centres


def unique_colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct colours, in order of their code, and their counts: uint8 [N, H, W, 3] -> uint8 [U, 3], int64 [U]."""
    if images[..., 0].numel() <= FEW:
        codes, counts = packed(images).unique(return_counts=True)
        return unpacked(codes), counts
    counts = torch.zeros(LEVELS**3, dtype=torch.int64)
    for chunk in images.flatten(0, -2).split(PIXELS):
        codes = packed(chunk)
        counts.index_add_(0, codes, torch.ones_like(codes, dtype=torch.int64))
    codes = counts.nonzero()[:, 0]
    return unpacked(codes), counts[codes]


def fit(images: Tensor, num_colours: int, seed: int, space: Space = RGB) -> Tensor:
    """Sorted k-means centres of all pixels: uint8 [N, H, W, 3] -> float32 [K, C].

    Lloyd's algorithm starts ten times from k-means++ on a coarse histogram (the mean colour of each cell, weighted by
    its pixels). The best start is refined on all distinct points, weighted by their counts; the objective is the same
    as for all pixels. It uses one thread, because scikit-learn's sums, and so its centres, depend on the number of
    threads. The centres are sorted by the mean of their channels (in RGB brightness, in chroma from green and blue to
    red and yellow), so that an index has about the same meaning in every run.

    Raises:
        InputError: fewer distinct points than ``num_colours``.
    """
    colours, counts = unique_colours(images)
    points, weights = space.distinct(colours, counts.double())
    if len(points) < num_colours:
        fewer = f"num_colours={len(points)} or fewer, or " if len(points) > 1 else ""
        raise InputError(
            f"num_colours={num_colours}, but the training pictures contain only {len(points)} distinct {space.called}; "
            f"pass {fewer}other pictures"
        )
    cells = (space.unit(points) * 2**space.coarse_bits).long().numpy()
    with threadpool_limits(1):
        centres = _coarse_fit(points.numpy(), weights.numpy(), cells, num_colours, seed)
        centres = (
            KMeans(num_colours, init=centres, n_init=1, max_iter=100)
            .fit(points.numpy(), sample_weight=weights.numpy())
            .cluster_centers_
        )
    order = np.lexsort((*centres.T, centres.mean(axis=1)))
    return torch.from_numpy(centres[order].astype(np.float32))


def _coarse_fit(points: np.ndarray, weights: np.ndarray, cells: np.ndarray, num_colours: int, seed: int) -> np.ndarray:
    """K-means over histogram cells, or over points if there are few cells: [P, C], [P], int64 [P, C] -> [K, C]."""
    _, cell = np.unique(np.ravel_multi_index(tuple(cells.T), tuple(cells.max(0) + 1)), return_inverse=True)
    mass = np.bincount(cell, weights)
    if len(mass) >= 8 * num_colours:
        points = np.stack([np.bincount(cell, weights * channel) / mass for channel in points.T], axis=1)
        weights = mass
    return KMeans(num_colours, n_init=10, random_state=seed).fit(points, sample_weight=weights).cluster_centers_
