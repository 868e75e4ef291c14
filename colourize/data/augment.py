"""Augmentation of a batch: pure functions that change grey and labels in the same way.

N images, H height, W width. Random numbers come from torch's generator on the pictures' device. A run seeds it
in every step, so a resumed run draws the same numbers (``colourize.training.resumption``).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from colourize.errors import InputError


def flipped(grey: Tensor, labels: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Mirrors the chosen pictures left to right: [N, 1, H, W], [N, H, W], bool [N] -> the same shapes."""
    return (
        torch.where(chosen[:, None, None, None], grey.flip(-1), grey),
        torch.where(chosen[:, None, None], labels.flip(-1), labels),
    )


def shifted(grey: Tensor, labels: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Moves pictures down and right by whole pixels and fills the border by mirroring.

    [N, 1, H, W], [N, H, W], int64 [N, 2] of absolute value below H and W -> the same shapes.
    """
    rows, columns = (_mirrored(side, offset) for side, offset in zip(labels.shape[1:], offsets.T, strict=True))
    index = (rows[:, :, None] * labels.shape[2] + columns[:, None, :]).flatten(1)
    return (
        grey.flatten(2).gather(2, index[:, None]).view_as(grey),
        labels.flatten(1).gather(1, index).view_as(labels),
    )


def _mirrored(side: int, offset: Tensor) -> Tensor:
    """Source of each position: int64 [N] -> [N, side], reflected without repeating the border."""
    if side == 1:
        return torch.zeros(len(offset), 1, dtype=torch.int64, device=offset.device)
    position = (torch.arange(side, device=offset.device) - offset[:, None]) % (2 * side - 2)
    return torch.where(position < side, position, 2 * side - 2 - position)


def mixed(grey: Tensor, labels: Tensor, order: Tensor, box: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
    """CutMix (Yun and others 2019, arXiv 1905.04899) for pixels: a rectangle of each picture comes from another.

    [N, 1, H, W], [N, H, W], indices of the others int64 [N], (top, bottom, left, right) -> the same shapes.
    """
    top, bottom, left, right = box
    grey, labels = grey.clone(), labels.clone()
    grey[..., top:bottom, left:right] = grey[order, :, top:bottom, left:right]
    labels[..., top:bottom, left:right] = labels[order, top:bottom, left:right]
    return grey, labels


@dataclass(frozen=True)
class Augmentation:
    """Changes to each training batch; validation pictures stay unchanged.

    Args:
        flip: mirror pictures left to right, each with probability 1/2.
        shift: largest movement in pixels, each way, mirrored at the borders.
        noise: standard deviation of Gaussian noise on the grey, in [0, 1]; labels do not change.
        mix: share of the batches, in [0, 1], in which pictures swap a rectangle.
    """

    flip: bool = False
    shift: int = 0
    noise: float = 0.0
    mix: float = 0.0

    def __post_init__(self) -> None:
        if self.shift < 0:
            raise InputError(f"augment.shift must be >= 0 pixels, got {self.shift}")
        for name in ("noise", "mix"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise InputError(f"augment.{name} must be in [0, 1], got {value}")

    def check_fits(self, height: int, width: int, batch_size: int, stride: int = 1) -> None:
        """Raises InputError if the changes are impossible for this picture size or batch size.

        Pictures with labels of blocks of pixels (``stride`` > 1) can only be flipped.
        """
        if stride > 1 and (self.shift or self.mix):
            raise InputError(
                f"augment.shift={self.shift} and augment.mix={self.mix} require a label for each pixel, got "
                f"model.stride={stride}; pass augment=crops"
            )
        if self.shift > (most := min(height, width) - 1):
            raise InputError(
                f"augment.shift must be <= {most} for pictures of {height}x{width} pixels, got {self.shift}"
            )
        if self.mix and batch_size < 2:
            raise InputError(f"batch_size must be >= 2 with augment.mix={self.mix}, got {batch_size}")

    def __call__(self, grey: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 1, H, W] in [0, 1), [N, H, W] -> the same shapes and ranges."""
        count, height, width = labels.shape
        device = labels.device
        if self.flip:
            grey, labels = flipped(grey, labels, torch.rand(count, device=device) < 0.5)
        if self.shift:
            most = min(self.shift, height - 1, width - 1)  # an older run's shift may be above the side
            grey, labels = shifted(grey, labels, torch.randint(-most, most + 1, (count, 2), device=device))
        if self.mix and torch.rand(()) < self.mix:
            box = (*_interval(height), *_interval(width))
            grey, labels = mixed(grey, labels, torch.randperm(count, device=device), box)
        if self.noise:
            grey = (grey + self.noise * torch.randn_like(grey)).clamp(0, 1 - 1 / 256)
        return grey, labels


def _interval(side: int) -> tuple[int, int]:
    """Start and end of a random interval that covers a quarter to three quarters of a side."""
    length = int(torch.randint(max(1, side // 4), max(2, 3 * side // 4 + 1), ()))
    begin = int(torch.randint(0, side - length + 1, ()))
    return begin, begin + length
