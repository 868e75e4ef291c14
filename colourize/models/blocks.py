"""What the course's networks are built of. N images, H height, W width.

Every block ends BatchNorm2d, ReLU. The paddings (``colourize.padding``) keep each block's output at exactly H/2, H or
2H for every kernel and dilation >= 1 (CSC413 2023, assignment 2, question 5.4; the course's ``kernel // 2`` does so for
odd kernels without dilation only).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from colourize import padding


class SameConv2d(nn.Conv2d):
    """A convolution of stride 1 that keeps the size, with one zero more behind than before where it must be.

    torch's ``padding="same"`` pads alike, but warns for even kernels.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> None:
        before, after = padding.around(kernel, dilation)
        even = before == after
        super().__init__(in_channels, out_channels, kernel, padding=before if even else 0, dilation=dilation)
        self.excess = (0, 0) if even else (before, after)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.excess * 2) if any(self.excess) else x)


def conv(in_channels: int, out_channels: int, kernel: int, *resize: nn.Module) -> nn.Sequential:
    """Convolution, then whatever resizes its output, BatchNorm, ReLU."""
    layers = SameConv2d(in_channels, out_channels, kernel), *resize, nn.BatchNorm2d(out_channels), nn.ReLU()
    return nn.Sequential(*layers)


def halving_conv(in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Convolution of stride 2, BatchNorm, ReLU: H -> H/2."""
    rule = padding.down(kernel, 2, dilation)
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride=2, padding=rule.padding, dilation=dilation)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU())


def doubling_conv(in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Transposed convolution of stride 2, BatchNorm, ReLU: H -> 2H."""
    rule = padding.up(kernel, 2, dilation)
    layer = nn.ConvTranspose2d(
        in_channels, out_channels, kernel, stride=2, padding=rule.padding, output_padding=rule.output_padding,
        dilation=dilation,
    )  # fmt: skip
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU())


def padded(x: Tensor, multiple: int) -> Tensor:
    """Repeats the last row and column until both sides are multiples: [N, C, H, W] -> [N, C, H', W']."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")
