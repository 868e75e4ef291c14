"""Labels of blocks of pixels, for networks that give K scores for each block.

N images, H height, W width, K colours, C channels of the palette, S the stride: the side of a block in pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.colour import palette as palettes
from colourize.colour.rgb import LEVELS
from colourize.colour.spaces import Space
from colourize.errors import InputError

PIXELS = 1 << 20  # pixels converted at once
FORMAT = 1  # increase it when the same pictures would get other labels


def check_sides(height: int, width: int, stride: int, knob: str = "image_size") -> None:
    """Raises InputError if a side is not a multiple of the stride; the message names the size ``knob``."""
    if height % stride or width % stride:
        best = max(stride, stride * round(height / stride))
        raise InputError(
            f"{knob} must be a multiple of model.stride={stride}, got {height}x{width} pixels; pass {knob}={best}"
        )


def labelled_blocks(
    images: Tensor, palette: Tensor, space: Space, stride: int, table: palettes.LabelTable | None = None
) -> tuple[Tensor, Tensor]:
    """The input of a network and the labels at its stride.

    A label is the palette colour nearest to the mean colour of a block (its mean chroma, in lab and oklab).

    Args:
        images: uint8 [N, H, W, 3].
        palette: float32 [K, C], in the colour space ``space``.
        stride: S; H and W are multiples of it.
        table: of the same palette, for S = 1; labels pictures on a CPU faster.

    Returns:
        float32 [N, 1, H, W] in [0, 255/256], int64 [N, H / S, W / S].
    """
    with torch.autocast(images.device.type, enabled=False):  # because a step in mixed precision also calls this
        grey, points = space.both(images)
        if table is not None and images.is_cpu:
            return grey, table(images)
        return grey, palettes.labels_of_blocks(points, palette, stride)


def blocks(images: Tensor, palette: Tensor, stride: int, space: Space) -> tuple[Tensor, Tensor]:
    """Labels [N, h, w], uint8 if K <= 256, otherwise int16; and mean greys float32 [N, 1, h, w]."""
    dtype = torch.uint8 if len(palette) <= LEVELS else torch.int16
    labels, means = [], []
    for part in images.split(max(1, PIXELS // images[0, ..., 0].numel())):
        grey, found = labelled_blocks(part, palette, space, stride)
        labels.append(found.to(dtype))
        means.append(F.avg_pool2d(grey, stride))
    return torch.cat(labels), torch.cat(means)


class RawPictures:
    """Pictures indexed by whole batches, before augmentation and labelling: uint8 [n, H, W, 3]."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor) -> tuple[Tensor]:
        return (self.images.index_select(0, index.to(self.images.device)),)
