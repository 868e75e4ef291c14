"""The losses of YOLOv3 with anchors, in the form of the course of 2022 (Ultralytics' YOLOv3; arXiv 1804.02767).

N pictures, B anchors of a stride, H, W its cells, K classes, G objects of a batch, P places that learn an object.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import box_convert, complete_box_iou_loss

FACTORS = {"box": 0.05, "object": 1.0, "class": 0.5}
BALANCE = 4.0, 1.0, 0.4  # of the objectness at strides 8, 16, 32: fine strides have more places
MOST_RATIO = 4.0  # of the sides of an object and of an anchor that learns it
NEAR = 0.5  # cells: an object is also learned by the nearest neighbour of its cell, in x and in y


class Level(NamedTuple):
    """Raw outputs at one stride.

    ``values`` [N, B, H, W, 5 + K]: x, y, width, height, object and classes, before the sigmoid. ``anchors`` [B, 2]:
    width and height in pixels. ``stride``: pixels.
    """

    values: Tensor
    anchors: Tensor
    stride: int


class Matches(NamedTuple):
    """Which anchors learn which objects: indices int64 [P] of picture, anchor, row, column and object (of G)."""

    pictures: Tensor
    anchors: Tensor
    rows: Tensor
    columns: Tensor
    objects: Tensor


def as_boxes(values: Tensor, columns: Tensor, rows: Tensor, anchors: Tensor, stride: int) -> Tensor:
    """Boxes as x1, y1, x2, y2 in pixels: centre (2 σ - 0.5 + cell) * stride, size (2 σ)² * anchor.

    Args:
        values: [..., 4], before the sigmoid.
        columns: x of the cells, [...].
        rows: y of the cells, [...].
        anchors: [..., 2], in pixels.
        stride: in pixels.
    """
    doubled = 2 * values.sigmoid()
    centre = (doubled[..., :2] - 0.5 + torch.stack((columns, rows), dim=-1)) * stride
    return box_convert(torch.cat((centre, doubled[..., 2:] ** 2 * anchors), dim=-1), "cxcywh", "xyxy")


def matched(level: Level, boxes: Tensor, pictures: Tensor) -> Matches:
    """The places of one stride that learn an object.

    An anchor learns an object if width and height of both differ by less than the factor ``MOST_RATIO``. The object is
    learned in the cell of its centre and, with most centres, in one neighbour in x and one in y, the nearest.

    Args:
        level: outputs of the stride; only shapes, anchors and stride count.
        boxes: objects of the batch, [G, 4], x1, y1, x2, y2 in pixels of the input.
        pictures: their pictures, int64 [G].
    """
    height, width = level.values.shape[2:4]
    x, y, w, h = box_convert(boxes, "xyxy", "cxcywh").unbind(dim=1)
    ratio = torch.stack((w, h), dim=1)[:, None] / level.anchors
    objects, anchors = (torch.maximum(ratio, 1 / ratio).amax(dim=2) < MOST_RATIO).nonzero(as_tuple=True)
    x, y = x[objects] / level.stride, y[objects] / level.stride
    everyone = torch.ones_like(x, dtype=torch.bool)
    moves = (
        (everyone, 0.0, 0.0),
        ((x % 1 < NEAR) & (x > 1), -NEAR, 0.0),
        ((y % 1 < NEAR) & (y > 1), 0.0, -NEAR),
        ((x % 1 > 1 - NEAR) & (x < width - 1), NEAR, 0.0),
        ((y % 1 > 1 - NEAR) & (y < height - 1), 0.0, NEAR),
    )
    parts = [
        Matches(pictures[objects[where]], anchors[where], _cell(y[where] + down, height),
                _cell(x[where] + right, width), objects[where])
        for where, right, down in moves
    ]  # fmt: skip
    return Matches(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _cell(place: Tensor, count: int) -> Tensor:
    return place.floor().long().clamp(0, count - 1)


def losses(levels: Sequence[Level], boxes: Sequence[Tensor], labels: Sequence[Tensor]) -> dict[str, Tensor]:
    """The parts of the loss, each [], with their ``FACTORS``: "box" 1 - CIoU, "object" and "class" cross-entropies.

    Each is a mean at each stride, over places with an object for "box" and "class", and summed over strides; objectness
    with ``BALANCE``. Its target is the CIoU of the place's box, as a constant and at least 0; of several objects at one
    place the highest counts.

    Args:
        levels: outputs at strides 8, 16, 32.
        boxes: objects of each picture, float [n, 4], x1, y1, x2, y2 in pixels of the input.
        labels: their classes, int64 [n].
    """
    everyone, kinds = torch.cat(list(boxes)), torch.cat(list(labels))
    pictures = torch.cat([torch.full_like(label, index) for index, label in enumerate(labels)])
    sums = dict.fromkeys(FACTORS, levels[0].values.new_zeros(()))
    for level, balance in zip(levels, BALANCE, strict=True):
        found = matched(level, everyone, pictures)
        target = torch.zeros_like(level.values[..., 4])
        if len(found.objects):
            own = level.values[found.pictures, found.anchors, found.rows, found.columns]
            anchors = level.anchors[found.anchors]
            predicted = as_boxes(own[:, :4], found.columns, found.rows, anchors, level.stride)
            apart = complete_box_iou_loss(predicted, everyone[found.objects])
            sums["box"] = sums["box"] + apart.mean()
            wanted = F.one_hot(kinds[found.objects], own.shape[1] - 5).to(own)
            sums["class"] = sums["class"] + F.binary_cross_entropy_with_logits(own[:, 5:], wanted)
            target = _highest(target, found, 1 - apart.detach())
        object_ = F.binary_cross_entropy_with_logits(level.values[..., 4], target)
        sums["object"] = sums["object"] + balance * object_
    return {name: FACTORS[name] * part for name, part in sums.items()}


def _highest(target: Tensor, found: Matches, values: Tensor) -> Tensor:
    """The target of the objectness: the highest value of each place, at least 0: [N, B, H, W]."""
    _, count, height, width = target.shape
    places = ((found.pictures * count + found.anchors) * height + found.rows) * width + found.columns
    return target.flatten().scatter_reduce(0, places, values.clamp(min=0).to(target), "amax").view_as(target)
