"""What the course's networks are built of. N images, H height, W width.

Every block ends BatchNorm2d, ReLU. The paddings keep each block's output at exactly H/2, H or 2H for every kernel >= 1
(CSC413 2023, assignment 2, question 5.4; the course's ``kernel // 2`` does so for odd kernels only).
"""

import torch.nn.functional as F
from torch import Tensor, nn


def halving_padding(kernel: int) -> int:
    """Padding with which a convolution of stride 2 halves an even side."""
    return (kernel - 1) // 2


def doubling_padding(kernel: int) -> tuple[int, int]:
    """Padding and output padding with which a transposed convolution of stride 2 doubles a side."""
    return (kernel - 1) // 2, kernel % 2


class SameConv2d(nn.Conv2d):
    """A convolution of stride 1 that keeps the size: zeros (k-1)//2 before, k//2 after.

    torch's ``padding="same"`` pads alike, but warns for even kernels.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2 if kernel % 2 else 0)
        self.excess = (0, 0) if kernel % 2 else ((kernel - 1) // 2, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.excess * 2) if any(self.excess) else x)


def conv(in_channels: int, out_channels: int, kernel: int, *resize: nn.Module) -> nn.Sequential:
    """Convolution, then whatever resizes its output, BatchNorm, ReLU."""
    layers = SameConv2d(in_channels, out_channels, kernel), *resize, nn.BatchNorm2d(out_channels), nn.ReLU()
    return nn.Sequential(*layers)


def halving_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Convolution of stride 2, BatchNorm, ReLU: H -> H/2."""
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride=2, padding=halving_padding(kernel))
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU())


def doubling_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """Transposed convolution of stride 2, BatchNorm, ReLU: H -> 2H."""
    padding, output_padding = doubling_padding(kernel)
    layer = nn.ConvTranspose2d(
        in_channels, out_channels, kernel, stride=2, padding=padding, output_padding=output_padding
    )
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU())


def padded(x: Tensor, multiple: int) -> Tensor:
    """Repeats the last row and column until both sides are multiples: [N, C, H, W] -> [N, C, H', W']."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")
