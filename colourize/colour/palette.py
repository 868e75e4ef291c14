"""Colour palettes: fitting, quantizing, decoding. N images, H height, W width, K colours, C channels, U unique colours.

A palette is float32 [K, C] in one of ``spaces``: RGB in [0, 1] on the scale of ``colour.scaled``, or chroma (a, b).
K-means over millions of pixels is fast because equal pixels are merged first: 8-bit RGB has 2**24 values, the 5,120,000
pixels of CIFAR-10's horses fewer than 600,000.
"""

import io
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor

from colourize import files
from colourize.colour.rgb import LEVELS, PIXELS, packed, per_colour, unpacked
from colourize.colour.spaces import RGB, Space
from colourize.errors import InputError

log = logging.getLogger(__name__)
CHUNK = 1 << 21  # distances in memory at once
FAINT = 1 / 256  # of a space's highest value: a palette below it all is likely one of a space with smaller numbers
FIT_VERSION = 1  # part of a cached palette's name: raise it when `fit` gives other centres


def unique_colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct colours and how often each occurs: uint8 [N, H, W, 3] -> uint8 [U, 3], int64 [U], in order of code."""
    counts = torch.zeros(LEVELS**3, dtype=torch.int64)
    for chunk in images.flatten(0, -2).split(PIXELS):
        codes = packed(chunk)
        counts.index_add_(0, codes, torch.ones_like(codes, dtype=torch.int64))
    codes = counts.nonzero()[:, 0]
    return unpacked(codes), counts[codes]


def nearest(colours: Tensor, palette: Tensor, space: Space = RGB) -> Tensor:
    """Index of the nearest centre, ties to the lower index: uint8 [U, 3], float32 [K, C] -> int64 [U].

    Euclidean distance in RGB, or between chromas, in float64, so that what is nearest does not depend on rounding.
    """
    centres = palette.double()

    def of(points: Tensor) -> Tensor:
        squares = ((points[:, None, c] - centres[None, :, c]) ** 2 for c in range(space.channels))
        return sum(squares, torch.zeros((), dtype=torch.float64)).argmin(dim=1)

    return torch.cat([of(space.points(chunk)) for chunk in colours.split(max(1, CHUNK // len(palette)))])


def quantize(images: Tensor, palette: Tensor, space: Space = RGB) -> Tensor:
    """Labels of pictures, exact nearest centres, ties to the lower index.

    uint8 [N, H, W, 3], float32 [K, C] -> [N, H, W], uint8 where K <= 256 and else int16.
    """
    return torch.cat(list(quantized(images, palette, space)))


def quantized(images: Tensor, palette: Tensor, space: Space = RGB) -> Iterator[Tensor]:
    """``quantize`` in parts of whole pictures. Each distinct colour is compared with the K centres once."""
    dtype = torch.uint8 if len(palette) <= LEVELS else torch.int16
    return per_colour(images, lambda colours: nearest(colours, palette, space), dtype)


def dequantize(labels: Tensor, palette: Tensor) -> Tensor:
    """Palette entries of indices: [N, H, W] integer, [K, C] -> [N, C, H, W], the palette's range and type."""
    return palette[labels.long()].permute(0, 3, 1, 2)


def fit(images: Tensor, num_colours: int, seed: int, space: Space = RGB) -> Tensor:
    """K-means centres of all pixels, in order: uint8 [N, H, W, 3] -> float32 [K, C].

    Lloyd's algorithm from ten k-means++ starts on a coarse histogram (its cells' mean colours, weighted), the best of
    which goes on over all distinct points, weighted by their counts: the same objective as over all pixels. One
    thread, because scikit-learn's sums, and so its centres, differ between thread counts. Sorted by the mean of the
    channels, in RGB brightness, in chroma from green and blue to red and yellow, so that an index means about the same
    from run to run.

    Raises:
        InputError: fewer distinct points than ``num_colours``.
    """
    colours, counts = unique_colours(images)
    points, weights = space.distinct(colours, counts.double())
    if len(points) < num_colours:
        fewer = f"num_colours={len(points)} or fewer, or " if len(points) > 1 else ""
        raise InputError(
            f"num_colours={num_colours}, but the training pictures hold only {len(points)} distinct {space.called}; "
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
    """K-means over histogram cells, or where those are few over points: [P, C], [P], int64 [P, C] -> [K, C]."""
    _, cell = np.unique(np.ravel_multi_index(tuple(cells.T), tuple(cells.max(0) + 1)), return_inverse=True)
    mass = np.bincount(cell, weights)
    if len(mass) >= 8 * num_colours:
        points = np.stack([np.bincount(cell, weights * channel) / mass for channel in points.T], axis=1)
        weights = mass
    return KMeans(num_colours, n_init=10, random_state=seed).fit(points, sample_weight=weights).cluster_centers_


def load(path: str | Path, num_colours: int, space: Space = RGB) -> Tensor:
    """A palette from a plain ``.npy`` file, in the file's order: float32 [K, C] in the range of the space.

    Raises:
        InputError: no such file, not a plain array (a pickle is never opened), wrong shape, range or count.
    """
    path = files.expanded(path)
    try:
        array = np.lib.format.read_array(io.BytesIO(files.read_bytes(path)), allow_pickle=False)
    except FileNotFoundError:
        raise InputError(
            f"palette={path}: no such file{files.looked_at(path)}; pass a .npy file of float [K, {space.channels}], or "
            "palette=kmeans"
        ) from None
    except Exception as error:  # a damaged header raises nearly anything
        if "allow_pickle=False" in str(error):
            raise InputError(
                f"palette={path} is no plain .npy array but a pickle, which is never opened; if it is the course's, "
                f"colourize palette import {shlex.quote(str(path))} OUT.npy makes a plain one of it"
            ) from None
        raise InputError(
            f"palette={path} is no plain .npy array ({' '.join(str(error).split()) or type(error).__name__}); "
            "save it with numpy.save(file, array.astype('float32'))"
        ) from None
    if array.ndim != 2 or array.shape[1:] != (space.channels,) or array.dtype.kind not in "fiu":
        raise InputError(
            f"palette={path} holds {array.dtype} {array.shape}; a palette is float "
            f"[K, {space.channels}] with colour_space={space.name}"
        )
    if array.dtype.kind != "f" or not ((array >= space.low) & (array <= space.high)).all():
        raise InputError(
            f"palette={path} holds values from {array.min()} to {array.max()} ({array.dtype}); {space.rule}"
        )
    if len(array) != num_colours:
        raise InputError(
            f"palette={path} holds {len(array)} colours but num_colours={num_colours}; pass num_colours={len(array)}"
        )
    if np.abs(array).max() < FAINT * space.high:
        log.warning(
            "palette=%s holds values from %.3g to %.3g, next to nothing with colour_space=%s, where they reach %g: is "
            "it of another space?", path, array.min(), array.max(), space.name, space.high,
        )  # fmt: skip
    return torch.from_numpy(array.astype(np.float32))
