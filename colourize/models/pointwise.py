"""PointwiseNet: each pixel's colour from its own grey, as the look-up table has it, but learned by descent. Ours."""

from itertools import pairwise

from torch import Tensor, nn


class PointwiseNet(nn.Sequential):
    """Grey to class scores without a look at the neighbours: two hidden layers of 2NF units over each pixel.

    What it can learn the look-up table knows, so its loss on the training pictures is the table's at best.
    """

    def __init__(self, num_filters: int, num_colours: int, num_in_channels: int = 1) -> None:
        widths = num_in_channels, 2 * num_filters, 2 * num_filters
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Conv2d(widths[-1], num_colours, 1))

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        return super().forward(grey)
