"""Colour palettes: quantizing, decoding, loading. N images, H height, W width, K colours, C channels, U unique colours.

A palette is float32 [K, C] in one of ``spaces``: RGB in [0, 1] on the scale of ``rgb.scaled``, or chroma (a, b).
``kmeans`` fits one.
"""

import io
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from colourize import files
from colourize.colour.rgb import LEVELS, per_colour
from colourize.colour.spaces import RGB, Space
from colourize.errors import InputError

log = logging.getLogger(__name__)
CHUNK = 1 << 21  # number of distances in memory at once
FAINT = 1 / 256  # of a space's highest value; a palette with only smaller values is probably of another space


def nearest(colours: Tensor, palette: Tensor, space: Space = RGB) -> Tensor:
    """Index of the nearest centre, ties to the lower index: uint8 [U, 3], float32 [K, C] -> int64 [U].

    Euclidean distance in RGB, or between chromas, in float64, so that the result does not depend on rounding.
    """
    parts = colours.split(max(1, CHUNK // len(palette)))
    return torch.cat([_nearest(space.points(part), palette.double()) for part in parts])


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    """Index of the nearest centre, ties to the lower index: [P, C], [K, C] -> int64 [P]."""
    squares = ((points[:, None, c] - centres[None, :, c]) ** 2 for c in range(centres.shape[1]))
    return sum(squares, torch.zeros((), dtype=centres.dtype, device=centres.device)).argmin(dim=1)


def labels_of_blocks(points: Tensor, palette: Tensor, stride: int) -> Tensor:
    """Labels of blocks: the centre nearest to the mean of each block, in the precision of the points.

    Args:
        points: the values of each pixel that the palette quantizes: float [N, C, H, W].
        palette: float32 [K, C].
        stride: side of a block in pixels; H and W are multiples of it.

    Returns:
        int64 [N, H / stride, W / stride].
    """
    means = F.avg_pool2d(points, stride).movedim(1, -1)
    centres = palette.to(points)
    half = (centres**2).sum(1) / 2  # |p - c|^2 / 2 without |p|^2 / 2, which is the same for all centres
    parts = means.flatten(0, 2).split(max(1, CHUNK // len(palette)))
    return torch.cat([torch.addmm(half, part, centres.T, alpha=-1).argmin(1) for part in parts]).view(means.shape[:-1])


def quantize(images: Tensor, palette: Tensor, space: Space = RGB) -> Tensor:
    """Labels of pictures: the exact nearest centres, ties to the lower index.

    uint8 [N, H, W, 3], float32 [K, C] -> [N, H, W], uint8 if K <= 256, otherwise int16.
    """
    return torch.cat(list(quantized(images, palette, space)))


def quantized(images: Tensor, palette: Tensor, space: Space = RGB) -> Iterator[Tensor]:
    """``quantize`` in parts of whole pictures. Each distinct colour is compared with the K centres once."""
    dtype = torch.uint8 if len(palette) <= LEVELS else torch.int16
    return per_colour(images, lambda colours: nearest(colours, palette, space), dtype)


class LabelTable:
    """``quantize`` for batch after batch on a CPU: a colour is compared with the K centres when it first occurs.

    It takes 32 MB. The same colours have the same labels whatever came before.

    Args:
        palette: float32 [K, C], in the colour space ``space``.
    """

    def __init__(self, palette: Tensor, space: Space) -> None:
        self.palette = palette
        self.space = space
        self.labels = torch.full((LEVELS**3,), -1, dtype=torch.int16)

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 [N, H, W, 3] -> int64 [N, H, W]."""
        codes = F.pad(images, (0, 1)).view(torch.int32).flatten()  # the fourth byte, the highest one, is 0
        labels = self.labels.index_select(0, codes)
        if (labels < 0).any():
            new = codes[labels < 0].unique()
            self.labels[new.long()] = nearest(
                new.view(torch.uint8).view(-1, 4)[:, :3], self.palette, self.space
            ).short()
            labels = self.labels.index_select(0, codes)
        return labels.view(images.shape[:-1]).long()


def dequantize(labels: Tensor, palette: Tensor) -> Tensor:
    """Palette entries of indices: [N, H, W] integer, [K, C] -> [N, C, H, W], the palette's range and type."""
    return palette[labels.long()].permute(0, 3, 1, 2)


def load(path: str | Path, num_colours: int, space: Space = RGB) -> Tensor:
    """A palette from a plain ``.npy`` file, in the file's order: float32 [K, C] in the range of the space.

    Raises:
        InputError: the file is missing or not a plain array (no pickles), or has a wrong shape, range or count.
    """
    path = files.expanded(path)
    try:
        array = np.lib.format.read_array(io.BytesIO(files.read_bytes(path)), allow_pickle=False)
    except FileNotFoundError:
        raise InputError(
            f"palette={path}: no such file{files.looked_at(path)}; pass a .npy file of float [K, {space.channels}], or "
            "palette=kmeans"
        ) from None
    except Exception as error:  # a damaged header can raise nearly any exception
        if "allow_pickle=False" in str(error):
            raise InputError(
                f"palette={path} must be a plain .npy array, got a pickle, which is never opened; convert the course's "
                f"file: colourize palette import {shlex.quote(str(path))} OUT.npy"
            ) from None
        raise InputError(
            f"palette={path} must be a plain .npy array ({' '.join(str(error).split()) or type(error).__name__}); "
            "save it with numpy.save(file, array.astype('float32'))"
        ) from None
    if array.ndim != 2 or array.shape[1:] != (space.channels,) or array.dtype.kind not in "fiu":
        raise InputError(
            f"palette={path} must be float [K, {space.channels}] with colour_space={space.name}, got {array.dtype} "
            f"{array.shape}"
        )
    if array.dtype.kind != "f" or not ((array >= space.low) & (array <= space.high)).all():
        raise InputError(
            f"palette={path} contains values from {array.min()} to {array.max()} ({array.dtype}); {space.rule}"
        )
    if len(array) != num_colours:
        raise InputError(
            f"palette={path} contains {len(array)} colours but num_colours={num_colours}; pass num_colours={len(array)}"
        )
    if np.abs(array).max() < FAINT * space.high:
        log.warning(
            "palette=%s contains values from %.3g to %.3g, tiny for colour_space=%s, where they reach %g: is it of "
            "another space?", path, array.min(), array.max(), space.name, space.high,
        )  # fmt: skip
    return torch.from_numpy(array.astype(np.float32))
