"""PointwiseNet: a network that sees one pixel at a time, a trained counterpart of the look-up table. Our own design.

N images, NIC input channels, NF filters, K colours, H height, W width.
"""

from itertools import pairwise

from torch import Tensor, nn

from colourize.models.blocks import Conv2d


class PointwiseNet(nn.Sequential):
    """Each pixel's class scores from only its own grey: two hidden layers of 2NF units.

    The look-up table contains everything that this network can learn, so the network's loss on the training pictures
    cannot be lower than the table's.
    """

    def __init__(self, num_filters: int, num_colours: int, num_in_channels: int = 1) -> None:
        widths = num_in_channels, 2 * num_filters, 2 * num_filters
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.Conv2d(widths[-1], num_colours, 1))

    def forward(self, grey: Tensor) -> Tensor:
        """[N, NIC, H, W] in [0, 1) -> logits [N, K, H, W]."""
        return super().forward(grey)
