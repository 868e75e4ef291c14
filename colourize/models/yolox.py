"""YOLOX (Ge and others 2021, arXiv 2107.08430): CSPDarknet, a pyramid of features (PAFPN), a decoupled head.

N pictures, H height, W width, K classes, A places: cells of all strides, the finest stride first, row by row.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.models.yolox_blocks import Conv, CSPLayer, Focus, SPPBottleneck, spatial

STRIDES = 8, 16, 32
FILL = 114  # grey level around a picture that is not square, 0 to 255
PRIOR = 0.01  # initial probability of an object and of a class, so that the first steps are not dominated by background


class Raw(NamedTuple):
    """The output of the head at each place.

    ``boxes`` [N, A, 4]: offsets of the centre from the cell's corner, and the logarithm of width and height, all in
    strides. ``objects`` [N, A], ``classes`` [N, A, K]: logits. ``cells`` [A, 2]: x and y of each cell, counted from 0.
    ``strides`` [A]: pixels.
    """

    boxes: Tensor
    objects: Tensor
    classes: Tensor
    cells: Tensor
    strides: Tensor


def corners(raw: Raw) -> Tensor:
    """The boxes of raw outputs as x1, y1, x2, y2 in pixels of the input: [N, A, 4].

    Centre (offset + cell) * stride, size exp(log size) * stride.
    """
    stride = raw.strides[:, None]
    centre = (raw.boxes[..., :2] + raw.cells) * stride
    half = raw.boxes[..., 2:].exp() * stride / 2
    return torch.cat((centre - half, centre + half), dim=-1)


class CSPDarknet(nn.Module):
    """Features at strides 8, 16, 32: [N, 3, H, W] -> [N, 4w, H/8, W/8], [N, 8w, ...], [N, 16w, ...], w = 64 * width."""

    def __init__(self, depth: float, width: float, depthwise: bool) -> None:
        super().__init__()
        base, count = int(width * 64), max(round(depth * 3), 1)
        self.stem = Focus(3, base)
        self.dark2 = self._stage(base, count, depthwise)
        self.dark3 = self._stage(2 * base, 3 * count, depthwise)
        self.dark4 = self._stage(4 * base, 3 * count, depthwise)
        self.dark5 = nn.Sequential(
            spatial(8 * base, 16 * base, 2, depthwise),
            SPPBottleneck(16 * base),
            CSPLayer(16 * base, 16 * base, count, shortcut=False, depthwise=depthwise),
        )

    @staticmethod
    def _stage(inputs: int, count: int, depthwise: bool) -> nn.Sequential:
        outputs = 2 * inputs
        return nn.Sequential(
            spatial(inputs, outputs, 2, depthwise), CSPLayer(outputs, outputs, count, depthwise=depthwise)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, H, W] -> [N, 4w, H/8, W/8], [N, 8w, H/16, W/16], [N, 16w, H/32, W/32], w = 64 * width."""
        fine = self.dark3(self.dark2(self.stem(x)))
        middle = self.dark4(fine)
        return fine, middle, self.dark5(middle)


class PAFPN(nn.Module):
    """Joins the features of three strides, first from coarse to fine, then back (Liu and others 2018, PANet)."""

    def __init__(self, depth: float, width: float, depthwise: bool) -> None:
        super().__init__()
        c3, c4, c5 = (int(channels * width) for channels in (256, 512, 1024))
        count = round(3 * depth)

        def layer(inputs: int, outputs: int) -> CSPLayer:
            return CSPLayer(inputs, outputs, count, shortcut=False, depthwise=depthwise)

        self.lateral_conv0 = Conv(c5, c4)
        self.C3_p4 = layer(2 * c4, c4)
        self.reduce_conv1 = Conv(c4, c3)
        self.C3_p3 = layer(2 * c3, c3)
        self.bu_conv2 = spatial(c3, c3, 2, depthwise)
        self.C3_n3 = layer(2 * c3, c4)
        self.bu_conv1 = spatial(c4, c4, 2, depthwise)
        self.C3_n4 = layer(2 * c4, c5)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> list[Tensor]:
        """[N, 4w, H/8, W/8], [N, 8w, H/16, W/16], [N, 16w, H/32, W/32], w = 64 * width -> the same shapes."""
        down0 = self.lateral_conv0(coarse)
        joined = self.C3_p4(torch.cat((_doubled(down0), middle), dim=1))
        down1 = self.reduce_conv1(joined)
        out3 = self.C3_p3(torch.cat((_doubled(down1), fine), dim=1))
        out4 = self.C3_n3(torch.cat((self.bu_conv2(out3), down1), dim=1))
        return [out3, out4, self.C3_n4(torch.cat((self.bu_conv1(out4), down0), dim=1))]


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Head(nn.Module):
    """Classes by one branch; box and objectness by another, with own weights for each stride."""

    def __init__(self, num_classes: int, width: float, depthwise: bool) -> None:
        super().__init__()
        hidden = int(256 * width)

        def branch() -> nn.Sequential:
            return nn.Sequential(*(spatial(hidden, hidden, 1, depthwise) for _ in range(2)))

        def scores(outputs: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(hidden, outputs, 1) for _ in STRIDES)

        self.stems = nn.ModuleList(Conv(int(channels * width), hidden) for channels in (256, 512, 1024))
        self.cls_convs = nn.ModuleList(branch() for _ in STRIDES)
        self.reg_convs = nn.ModuleList(branch() for _ in STRIDES)
        self.cls_preds, self.reg_preds, self.obj_preds = scores(num_classes), scores(4), scores(1)
        for layer in (*self.cls_preds, *self.obj_preds):
            nn.init.constant_(layer.bias, -math.log((1 - PRIOR) / PRIOR))

    def forward(self, features: Sequence[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
        """For each stride: classes [N, K, h, w], box [N, 4, h, w], object [N, 1, h, w]."""
        found = []
        for level, feature in enumerate(features):
            x = self.stems[level](feature)
            classes = self.cls_preds[level](self.cls_convs[level](x))
            region = self.reg_convs[level](x)
            found.append((classes, self.reg_preds[level](region), self.obj_preds[level](region)))
        return found


class YOLOX(nn.Module):
    """Pictures to boxes with classes. Sides must be multiples of 32.

    Args:
        num_classes: K.
        depth: number of bottlenecks in multiples of the largest network's.
        width: channels in multiples of the largest network's.
        depthwise: whether 3x3 convolutions are depthwise and pointwise, as in YOLOX-nano.
    """

    def __init__(self, num_classes: int = 80, depth: float = 0.33, width: float = 0.25, depthwise: bool = True) -> None:
        super().__init__()
        self.num_classes, self.width = num_classes, width
        self.backbone = CSPDarknet(depth, width, depthwise)
        self.neck = PAFPN(depth, width, depthwise)
        self.head = Head(num_classes, width, depthwise)

    def forward(self, pictures: Tensor) -> Raw:
        """Raw outputs: blue, green, red [N, 3, H, W] in 0 to 255 (the published weights expect this) -> ``Raw``."""
        levels = self.head(self.neck(*self.backbone(pictures)))
        classes, boxes, objects = (
            torch.cat([part.flatten(2) for part in parts], dim=2).transpose(1, 2) for parts in zip(*levels, strict=True)
        )
        cells, strides = _places([part[0].shape[-2:] for part in levels], pictures)
        return Raw(boxes, objects[..., 0], classes, cells, strides)


def _places(sizes: Sequence[tuple[int, int]], like: Tensor) -> tuple[Tensor, Tensor]:
    """Cells [A, 2] (x, y) and strides [A] of grids of the given heights and widths."""
    cells, strides = [], []
    for (height, width), stride in zip(sizes, STRIDES, strict=True):
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        cells.append(torch.stack((x, y), dim=-1).flatten(0, 1))
        strides.append(torch.full((height * width,), stride))
    return torch.cat(cells).to(like), torch.cat(strides).to(like)
