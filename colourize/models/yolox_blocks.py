"""The blocks of YOLOX (Ge and others 2021, arXiv 2107.08430). N pictures, C channels, H height, W width.

Modules have the names of the published weights, so that these can be loaded by name.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON, MOMENTUM = 1e-3, 0.03  # of every batch norm, as in the published networks


class Conv(nn.Module):
    """Convolution without bias, batch norm and SiLU: [N, C, H, W] -> [N, C', H / stride, W / stride]."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, EPSILON, MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H / stride, W / stride]."""
        return F.silu(self.bn(self.conv(x)))


class Separable(nn.Module):
    """A depthwise convolution followed by a pointwise one, both as ``Conv`` (Howard and others 2017, MobileNets)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.dconv = Conv(inputs, inputs, kernel, stride, groups=inputs)
        self.pconv = Conv(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H / stride, W / stride]."""
        return self.pconv(self.dconv(x))


def spatial(inputs: int, outputs: int, stride: int, depthwise: bool) -> nn.Module:
    """A 3x3 convolution: whole, or depthwise and pointwise."""
    return Separable(inputs, outputs, 3, stride) if depthwise else Conv(inputs, outputs, 3, stride)


class Bottleneck(nn.Module):
    """1x1 and 3x3 convolutions, added to the input with ``shortcut``: [N, C, H, W] -> [N, C, H, W]."""

    def __init__(self, channels: int, shortcut: bool, depthwise: bool) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels)
        self.conv2 = spatial(channels, channels, 1, depthwise)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        y = self.conv2(self.conv1(x))
        return y + x if self.shortcut else y


class CSPLayer(nn.Module):
    """Half of the channels passes ``count`` bottlenecks, the other half none (Wang and others 2020, CSPNet)."""

    def __init__(
        self, inputs: int, outputs: int, count: int = 1, shortcut: bool = True, depthwise: bool = False
    ) -> None:
        super().__init__()
        hidden = outputs // 2
        self.conv1 = Conv(inputs, hidden)
        self.conv2 = Conv(inputs, hidden)
        self.conv3 = Conv(2 * hidden, outputs)
        self.m = nn.Sequential(*(Bottleneck(hidden, shortcut, depthwise) for _ in range(count)))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H, W]."""
        first, second = self.conv1(x), self.conv2(x)
        return self.conv3(torch.cat((self.m(first), second), dim=1))


class SPPBottleneck(nn.Module):
    """Joins the features with their maxima over windows of 5, 9 and 13 (spatial pyramid pooling)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.conv1 = Conv(channels, hidden)
        self.m = nn.ModuleList(nn.MaxPool2d(side, 1, side // 2) for side in (5, 9, 13))
        self.conv2 = Conv(4 * hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        x = self.conv1(x)
        return self.conv2(torch.cat((x, *(pool(x) for pool in self.m)), dim=1))


class Focus(nn.Module):
    """Each 2x2 block becomes one pixel with four times the channels, then ``Conv``: [N, C, H, W] -> [., ., H/2, W/2].

    The order in a block is top left, bottom left, top right, bottom right.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Conv(4 * inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H / 2, W / 2]."""
        blocks = [x[..., down::2, right::2] for right in (0, 1) for down in (0, 1)]
        return self.conv(torch.cat(blocks, dim=1))
