"""UNet (CSC413 2023, assignment 2, part C; after Ronneberger, Fischer, Brox 2015, arXiv 1505.04597)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from colourize.errors import InputError
from colourize.models.blocks import SameConv2d, doubling_conv, halving_conv, joined, padded

SKIPS = "half", "full"


class UNet(nn.Module):
    """Grey to class scores: ConvTransposeNet with its first step and its input concatenated to the way back.

    Any size: sides that are no multiples of 4 are padded and the result is cropped.

    Args:
        num_filters: NF.
        num_colours: NC.
        kernel: side of every convolution.
        num_in_channels: NIC.
        dilation: of every convolution.
        skips: what is concatenated: "half", the first step's output, "full", the input, or both. Without any it is
            ConvTransposeNet.

    Raises:
        InputError: another skip.
    """

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
            raise InputError(f"model.skips={list(skips)}: {unknown[0]} is no skip; pass some of {', '.join(SKIPS)}")
        self.joins_half, self.joins_full = (skip in skips for skip in SKIPS)
        self.down1 = halving_conv(num_in_channels, num_filters, kernel, dilation)
        self.down2 = halving_conv(num_filters, 2 * num_filters, kernel, dilation)
        self.up1 = doubling_conv(2 * num_filters, num_filters, kernel, dilation)
        self.up2 = doubling_conv((1 + self.joins_half) * num_filters, num_colours, kernel, dilation)
        self.scores = SameConv2d(num_colours + self.joins_full * num_in_channels, num_colours, kernel, dilation)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        full = padded(grey, 4)  # NIC, H
        half = self.down1(full)  # NF, H/2
        up = self.up1(self.down2(half))  # NF, H/2, from 2NF, H/4
        up = self.up2(torch.cat((up, half), dim=1) if self.joins_half else up)  # K, H, from 2NF, H/2
        up = joined(up, full) if self.joins_full else up  # K + NIC, H
        return self.scores(up)[..., : grey.shape[-2], : grey.shape[-1]]
