"""A network of my own. It keeps every pixel, and dilated convolutions widen its view (Yu and Koltun 2016)."""

from torch import Tensor, nn


class DilatedNet(nn.Module):
    """Grey [N, 1, H, W] in [0, 1] -> logits [N, num_colours, H, W]. Each pixel sees 2 (1 + 1 + 2 + 4 + 8) + 1 = 33."""

    def __init__(self, num_colours: int, num_filters: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, num_filters, 3, padding=1), nn.ReLU()]
        for dilation in (1, 2, 4, 8):
            layers += [nn.Conv2d(num_filters, num_filters, 3, padding=dilation, dilation=dilation), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(num_filters, num_colours, 1))

    def forward(self, grey: Tensor) -> Tensor:
        return self.layers(grey)
