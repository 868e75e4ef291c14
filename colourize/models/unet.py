"""UNet (CSC413 2023, assignment 2, part C; after Ronneberger, Fischer, Brox 2015, arXiv 1505.04597)."""

import torch
from torch import Tensor, nn

from colourize.models.blocks import SameConv2d, doubling_conv, halving_conv, joined, padded


class UNet(nn.Module):
    """Grey to class scores: ConvTransposeNet with its first step and its input concatenated to the way back.

    Any size: sides that are no multiples of 4 are padded and the result is cropped.
    """

    def __init__(
        self, num_filters: int, num_colours: int, kernel: int = 3, num_in_channels: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.down1 = halving_conv(num_in_channels, num_filters, kernel, dilation)
        self.down2 = halving_conv(num_filters, 2 * num_filters, kernel, dilation)
        self.up1 = doubling_conv(2 * num_filters, num_filters, kernel, dilation)
        self.up2 = doubling_conv(2 * num_filters, num_colours, kernel, dilation)
        self.scores = SameConv2d(num_colours + num_in_channels, num_colours, kernel, dilation)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        full = padded(grey, 4)  # NIC, H
        half = self.down1(full)  # NF, H/2
        quarter = self.down2(half)  # 2NF, H/4
        half = torch.cat((self.up1(quarter), half), dim=1)  # 2NF, H/2
        full = joined(self.up2(half), full)  # K + NIC, H
        return self.scores(full)[..., : grey.shape[-2], : grey.shape[-1]]
