"""PoolUpsampleNet (CSC413 2023, assignment 2, part A).

N images, NIC input channels, NF filters, K colours, H height, W width.
"""

from torch import Tensor, nn

from colourize.models.blocks import SameConv2d, conv, padded


class PoolUpsampleNet(nn.Module):
    """Grey to class scores; max-pooling halves the size, repetition of pixels doubles it.

    Accepts any size: sides are padded to a multiple of 4 and the result is cropped.
    """

    multiple = 4  # padded sides are multiples of this

    def __init__(self, num_filters: int, num_colours: int, kernel: int = 3, num_in_channels: int = 1) -> None:
        super().__init__()
        self.down1 = conv(num_in_channels, num_filters, kernel, nn.MaxPool2d(2))
        self.down2 = conv(num_filters, 2 * num_filters, kernel, nn.MaxPool2d(2))
        self.up1 = conv(2 * num_filters, num_filters, kernel, nn.Upsample(scale_factor=2))
        self.up2 = conv(num_filters, num_colours, kernel, nn.Upsample(scale_factor=2))
        self.scores = SameConv2d(num_colours, num_colours, kernel)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        half = self.down1(padded(grey, self.multiple))  # NF, H/2
        quarter = self.down2(half)  # 2NF, H/4
        half = self.up1(quarter)  # NF, H/2
        full = self.up2(half)  # K, H
        return self.scores(full)[..., : grey.shape[-2], : grey.shape[-1]]
