"""SimOTA: which places of YOLOX learn which object. G objects, A places, K classes.

Ge and others 2021 (arXiv 2107.08430, section 2.1), with the centre region and the constants of the authors' code: only
places within ``RADIUS`` strides of an object's centre may learn it; of these, the k with the lowest cost do, where k is
the sum of the object's ten highest IoUs.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import box_iou

RADIUS = 1.5  # strides
CANDIDATES = 10  # places whose IoUs give k
IOU_WEIGHT = 3.0  # of -log IoU in the cost, to 1 for the classes
OUTSIDE = 1e6  # cost outside of an object's own centre region


class Assignment(NamedTuple):
    """The places that learn an object, in their order.

    ``places`` int64 [P] of A; ``objects`` int64 [P] of G; ``ious`` float [P]: IoU of the place's box and its object.
    """

    places: Tensor
    objects: Tensor
    ious: Tensor


def near(boxes: Tensor, cells: Tensor, strides: Tensor) -> Tensor:
    """Whether a place's centre is less than ``RADIUS`` strides from an object's centre, in x and y: bool [G, A].

    Args:
        boxes: objects [G, 4], x1, y1, x2, y2 in pixels.
        cells: x and y of each place's cell, [A, 2].
        strides: of each place, [A], in pixels.
    """
    places = (cells + 0.5) * strides[:, None]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return ((places - centres[:, None]).abs() < RADIUS * strides[:, None]).all(dim=2)


def costs(classes: Tensor, objects: Tensor, labels: Tensor, ious: Tensor, inside: Tensor) -> Tensor:
    """The cost of each place for each object: [G, A].

    BCE of p = sqrt(class * object probability) with the object's class, summed over classes, minus 3 log IoU.

    Args:
        classes: logits [A, K].
        objects: logits [A].
        labels: classes of the objects, int64 [G].
        ious: IoU of the places' boxes with the objects, [G, A].
        inside: result of ``near``.
    """
    p = (classes.sigmoid() * objects[:, None].sigmoid()).sqrt().clamp(1e-7, 1 - 1e-7)
    none = -(1 - p).log()  # BCE of each class that is not the object's
    own = none.sum(dim=1) - none.T[labels] - p.log().T[labels]  # [G, A]
    return own - IOU_WEIGHT * (ious + 1e-8).log() + OUTSIDE * ~inside


def matched(costs: Tensor, ious: Tensor) -> tuple[Tensor, Tensor]:
    """The places with an object, and this object, each int64 [P].

    An object takes its k cheapest places, k = max(1, whole part of the sum of its ten highest IoUs). A place that
    several objects take learns the one for which it is cheapest.

    Args:
        costs: [G, A].
        ious: [G, A].
    """
    count = torch.topk(ious, min(CANDIDATES, ious.shape[1]), dim=1).values.sum(dim=1).int().clamp(min=1)
    taken = torch.zeros_like(costs, dtype=torch.bool)
    for row, number in enumerate(count.tolist()):
        taken[row, torch.topk(costs[row], min(number, costs.shape[1]), largest=False).indices] = True
    several = taken.sum(dim=0) > 1
    taken[:, several] = F.one_hot(costs[:, several].argmin(dim=0), len(costs)).T.bool()
    places = taken.any(dim=0).nonzero()[:, 0]
    return places, taken[:, places].int().argmax(dim=0)


@torch.no_grad()
def assigned(
    predicted: Tensor, objects: Tensor, classes: Tensor, cells: Tensor, strides: Tensor, boxes: Tensor, labels: Tensor
) -> Assignment:
    """SimOTA for one picture.

    Args:
        predicted: boxes of the places, [A, 4], x1, y1, x2, y2 in pixels.
        objects: logits [A].
        classes: logits [A, K].
        cells: [A, 2].
        strides: [A].
        boxes: objects [G, 4].
        labels: their classes, int64 [G].
    """
    inside = near(boxes, cells, strides)
    candidates = inside.any(dim=0).nonzero()[:, 0]
    if not len(candidates):  # no object, or none near a place
        return Assignment(candidates, candidates, predicted.new_zeros(0))
    ious = box_iou(boxes, predicted[candidates])
    cost = costs(classes[candidates].float(), objects[candidates].float(), labels, ious, inside[:, candidates])
    places, found = matched(cost, ious)
    return Assignment(candidates[places], found, ious[found, places])
