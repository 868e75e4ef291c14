"""UNet (CSC413 2023, assignment 2, part C; after Ronneberger, Fischer, Brox 2015, arXiv 1505.04597).

N images, NIC input channels, NF filters, K colours, H height, W width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from colourize.errors import InputError
from colourize.models.blocks import SameConv2d, doubling_conv, halving_conv, padded

SKIPS = "half", "full"


class UNet(nn.Module):
    """Grey to class scores: ConvTransposeNet with skip connections from its input and from its first block.

    Accepts any size: sides are padded to a multiple of 4 and the result is cropped.

    Args:
        num_filters: NF.
        num_colours: K.
        kernel: side of every convolution, in pixels.
        num_in_channels: NIC.
        dilation: dilation of every convolution, in pixels.
        skips: the skip connections: "half" (output of the first block), "full" (the input), or both. With none the
            network equals ConvTransposeNet.

    Raises:
        InputError: an unknown skip.
    """

    multiple = 4  # padded sides are multiples of this

    def __init__(
        self,
        num_filters: int,
        num_colours: int,
        kernel: int = 3,
        num_in_channels: int = 1,
        dilation: int = 1,
        skips: Sequence[str] = SKIPS,
    ) -> None:
        super().__init__()
        if unknown := [skip for skip in skips if skip not in SKIPS]:
            raise InputError(
                f"model.skips must contain some of {', '.join(SKIPS)}, got {unknown[0]}; pass model.skips=[half]"
            )
        self.joins_half, self.joins_full = (skip in skips for skip in SKIPS)
        self.down1 = halving_conv(num_in_channels, num_filters, kernel, dilation)
        self.down2 = halving_conv(num_filters, 2 * num_filters, kernel, dilation)
        self.up1 = doubling_conv(2 * num_filters, num_filters, kernel, dilation)
        self.up2 = doubling_conv((1 + self.joins_half) * num_filters, num_colours, kernel, dilation)
        self.scores = SameConv2d(num_colours + self.joins_full * num_in_channels, num_colours, kernel, dilation)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        full = padded(grey, self.multiple)  # NIC, H
        half = self.down1(full)  # NF, H/2
        up = self.up1(self.down2(half))  # NF, H/2, from 2NF, H/4
        up = self.up2(torch.cat((up, half), dim=1) if self.joins_half else up)  # K, H, from 2NF, H/2
        scores = self.scores.of_both(up, full) if self.joins_full else self.scores(up)  # K, H, from K (+ NIC), H
        return scores[..., : grey.shape[-2], : grey.shape[-1]]
