"""ConvTransposeNet (CSC413 2023, assignment 2, part B).

N images, NIC input channels, NF filters, K colours, H height, W width.
"""

from torch import Tensor, nn

from colourize.models.blocks import SameConv2d, doubling_conv, halving_conv, padded


class ConvTransposeNet(nn.Module):
    """Grey to class scores; strided convolutions halve the size, transposed convolutions double it.

    Accepts any size: sides are padded to a multiple of 4 and the result is cropped.
    """

    multiple = 4  # padded sides are multiples of this

    def __init__(
        self, num_filters: int, num_colours: int, kernel: int = 3, num_in_channels: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.down1 = halving_conv(num_in_channels, num_filters, kernel, dilation)
        self.down2 = halving_conv(num_filters, 2 * num_filters, kernel, dilation)
        self.up1 = doubling_conv(2 * num_filters, num_filters, kernel, dilation)
        self.up2 = doubling_conv(num_filters, num_colours, kernel, dilation)
        self.scores = SameConv2d(num_colours, num_colours, kernel, dilation)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        half = self.down1(padded(grey, self.multiple))  # NF, H/2
        quarter = self.down2(half)  # 2NF, H/4
        half = self.up1(quarter)  # NF, H/2
        full = self.up2(half)  # K, H
        return self.scores(full)[..., : grey.shape[-2], : grey.shape[-1]]
