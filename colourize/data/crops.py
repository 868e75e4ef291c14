"""Random crops of pictures. N images, H height, W width, S the side of the crops.

Random numbers come from torch's CPU generator, which a run seeds in every step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.errors import InputError


def cropped(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cuts squares out of pictures and scales them: uint8 [N, H, W, 3], int64 [N, 3] -> uint8 [N, S, S, 3].

    Bilinear interpolation, with antialiasing when it reduces the size.

    Args:
        images: the pictures.
        boxes: top, left and side of each square, in pixels.
        size: S.
    """
    parts = []
    for image, (top, left, side) in zip(images, boxes.tolist(), strict=True):
        part = image[top : top + side, left : left + side].permute(2, 0, 1)[None]
        same = side == size
        parts.append(part if same else F.interpolate(part, (size, size), mode="bilinear", antialias=True))
    return torch.cat(parts).permute(0, 2, 3, 1)


@dataclass(frozen=True)
class Crops:
    """Crops a random square from each training picture in each epoch. Validation pictures are not cropped.

    The square's side is a share of the picture's shorter side, log-uniform between ``least`` and ``most``.

    Args:
        size: side of the crops in pixels, or several sides; each batch draws one of them.
        least: smallest share, > 0.
        most: largest share, <= 1.
        flip: mirror pictures left to right, each with probability 1/2.

    Raises:
        InputError: a value is out of its range.
    """

    size: int | Sequence[int] = 96
    least: float = 0.6
    most: float = 1.0
    flip: bool = True

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1:
            raise InputError(f"augment.size must be >= 1, got {self.size}; pass augment.size=96")
        if not 0 < self.least <= self.most <= 1:
            raise InputError(
                f"augment.least and augment.most must be shares with 0 < least <= most <= 1, got {self.least} and "
                f"{self.most}; pass augment.least=0.6 augment.most=1"
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The possible sides of the crops in pixels; each batch draws one."""
        return (self.size,) if isinstance(self.size, int) else tuple(self.size)

    def degraded(self, grey: Tensor) -> Tensor:
        """Changes the input of a batch after its labels are computed; here it stays unchanged: [N, 1, H, W]."""
        return grey

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 [N, H, W, 3] -> uint8 [N, S, S, 3]."""
        count, height, width = images.shape[:3]
        size = self.sizes[int(torch.randint(len(self.sizes), ()))] if len(self.sizes) > 1 else self.sizes[0]
        share = torch.exp(torch.empty(count).uniform_(math.log(self.least), math.log(self.most)))
        sides = (share * min(height, width)).round().long().clamp(min=1)
        top, left = (
            (torch.rand(count) * (whole - sides + 1)).long().minimum(whole - sides) for whole in (height, width)
        )
        parts = cropped(images, torch.stack([top, left, sides], dim=1), size)
        if not self.flip:
            return parts
        return torch.where((torch.rand(count) < 0.5)[:, None, None, None].to(parts.device), parts.flip(2), parts)
