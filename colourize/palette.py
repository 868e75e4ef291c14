"""Colour palettes: fitting, quantizing, decoding. N images, H height, W width, K colours, P pixels, U unique colours.

A palette is float32 [K, 3], RGB in [0, 1], on the scale of ``colour.scaled``. K-means over millions of pixels is fast
because equal pixels are merged first: 8-bit RGB has 2**24 values, the 5,120,000 pixels of CIFAR-10's horses fewer than
600,000.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor

from colourize.colour import LEVELS, scaled
from colourize.errors import InputError

PIXELS = 1 << 22  # pixels whose 32-bit codes are in memory at once
CHUNK = 1 << 21  # distances in memory at once
FIT_VERSION = 1  # part of a cached palette's name: raise it when `fit` gives other centres
COARSE_BITS = 6  # bits a channel of the histogram on which k-means starts


def packed(images: Tensor) -> Tensor:
    """One number a colour, R * 65536 + G * 256 + B: uint8 [..., 3] -> int32 [...]."""
    red, green, blue = images.int().unbind(-1)
    return (red << 16) | (green << 8) | blue


def unpacked(codes: Tensor) -> Tensor:
    """Undoes ``packed``: integer [...] -> uint8 [..., 3]."""
    return torch.stack((codes >> 16, codes >> 8 & 255, codes & 255), dim=-1).to(torch.uint8)


def unique_colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct colours and how often each occurs: uint8 [N, H, W, 3] -> uint8 [U, 3], int64 [U], in order of code."""
    counts = torch.zeros(LEVELS**3, dtype=torch.int64)
    for chunk in images.flatten(0, -2).split(PIXELS):
        codes = packed(chunk)
        counts.index_add_(0, codes, torch.ones_like(codes, dtype=torch.int64))
    codes = counts.nonzero()[:, 0]
    return unpacked(codes), counts[codes]


def nearest(colours: Tensor, palette: Tensor) -> Tensor:
    """Index of the nearest centre, ties to the lower index: uint8 [U, 3], float32 [K, 3] -> int64 [U].

    Euclidean distance in RGB, in float64, so that what is nearest does not depend on rounding.
    """
    centres = palette.double()
    return torch.cat(
        [
            sum((chunk[:, None, c] - centres[None, :, c]) ** 2 for c in range(3)).argmin(dim=1)
            for chunk in (colours.double() / LEVELS).split(max(1, CHUNK // len(palette)))
        ]
    )


def quantize(images: Tensor, palette: Tensor) -> Tensor:
    """Labels of pictures, exact nearest centres, ties to the lower index.

    uint8 [N, H, W, 3], float32 [K, 3] -> [N, H, W], uint8 where K <= 256 and else int16.
    """
    return torch.cat(list(quantized(images, palette)))


def quantized(images: Tensor, palette: Tensor) -> Iterator[Tensor]:
    """``quantize`` in parts of whole pictures.

    Each distinct colour is compared with the K centres once; the pixels then look their label up in a table of 2**24
    entries.
    """
    dtype = torch.uint8 if len(palette) <= LEVELS else torch.int16
    present = torch.zeros(LEVELS**3, dtype=torch.bool)
    pixels = images.flatten(0, -2)
    for chunk in pixels.split(PIXELS):
        present[packed(chunk)] = True
    codes = present.nonzero()[:, 0]
    table = torch.zeros(LEVELS**3, dtype=dtype)
    table[codes] = nearest(unpacked(codes), palette).to(dtype)
    for part in images.split(max(1, PIXELS // images[0, ..., 0].numel())):
        yield table[packed(part)]


def dequantize(labels: Tensor, palette: Tensor) -> Tensor:
    """Colours of palette indices: [N, H, W] integer, [K, 3] -> [N, 3, H, W], the palette's range and type."""
    return palette[labels.long()].permute(0, 3, 1, 2)


def fit(images: Tensor, num_colours: int, seed: int) -> Tensor:
    """K-means centres of all pixels, by brightness: uint8 [N, H, W, 3] -> float32 [K, 3] in [0, 1].

    Lloyd's algorithm from ten k-means++ starts on a coarse histogram (its cells' mean colours, weighted), the best of
    which goes on over all distinct colours, weighted by their counts: the same objective as over all pixels. One
    thread, because scikit-learn's sums, and so its centres, differ between thread counts. Sorted by mean(R, G, B), so
    that an index means about the same from run to run.

    Raises:
        InputError: fewer distinct colours than ``num_colours``.
    """
    colours, counts = unique_colours(images)
    if len(colours) < num_colours:
        raise InputError(
            f"num_colours={num_colours}, but the training pictures hold only {len(colours)} distinct colours; "
            f"pass num_colours={len(colours)} or fewer, or other pictures"
        )
    points, weights = scaled(colours).double().numpy(), counts.double().numpy()
    with threadpool_limits(1):
        centres = _coarse_fit(points, weights, num_colours, seed)
        centres = (
            KMeans(num_colours, init=centres, n_init=1, max_iter=100)
            .fit(points, sample_weight=weights)
            .cluster_centers_
        )
    order = np.lexsort((*centres.T, centres.mean(axis=1)))
    return torch.from_numpy(centres[order].astype(np.float32))


def _coarse_fit(points: np.ndarray, weights: np.ndarray, num_colours: int, seed: int) -> np.ndarray:
    """K-means over histogram cells: float64 [U, 3], [U] -> [K, 3]; over the points themselves where cells are few."""
    cells = (points * 2**COARSE_BITS).astype(np.int64) @ (4**COARSE_BITS, 2**COARSE_BITS, 1)
    _, cell = np.unique(cells, return_inverse=True)
    mass = np.bincount(cell, weights)
    if len(mass) >= 8 * num_colours:
        points = np.stack([np.bincount(cell, weights * channel) / mass for channel in points.T], axis=1)
        weights = mass
    return KMeans(num_colours, n_init=10, random_state=seed).fit(points, sample_weight=weights).cluster_centers_


def load(path: str | Path, num_colours: int) -> Tensor:
    """A palette from a plain ``.npy`` file, in the file's order: float32 [K, 3] in [0, 1].

    Raises:
        InputError: no such file, not a plain array (a pickle is never opened), wrong shape, range or count.
    """
    path = Path(path).expanduser()
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"palette={path}: no such file; pass a .npy file of float [K, 3], or palette=kmeans") from None
    except Exception as error:  # a damaged header raises nearly anything
        raise InputError(
            f"palette={path} is no plain .npy array ({' '.join(str(error).split()) or type(error).__name__}); "
            "save it with numpy.save(file, array.astype('float32'))"
        ) from None
    if array.ndim != 2 or array.shape[1:] != (3,) or array.dtype.kind not in "fiu":
        raise InputError(f"palette={path} holds {array.dtype} {array.shape}; a palette is float [K, 3]")
    if array.dtype.kind != "f" or not ((array >= 0) & (array <= 1)).all():
        raise InputError(
            f"palette={path} holds values from {array.min()} to {array.max()} ({array.dtype}); "
            "colours are floats in [0, 1]: divide 8-bit values by 256"
        )
    if len(array) != num_colours:
        raise InputError(
            f"palette={path} holds {len(array)} colours but num_colours={num_colours}; pass num_colours={len(array)}"
        )
    return torch.from_numpy(array.astype(np.float32))
