"""The losses of YOLOX (arXiv 2107.08430). N pictures, A places, K classes, P places with an object.

Each is a sum over places, divided by the number of places with an object in the batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.models.yolox import Raw, corners
from colourize.tasks.detection.assignment import Assignment, assigned

IOU_WEIGHT = 5.0
NAMES = "iou", "object", "class", "l1"


def paired_ious(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes in pairs: [P, 4], [P, 4] as x1, y1, x2, y2 -> [P]."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    areas = [(each[:, 2:] - each[:, :2]).prod(dim=1) for each in (first, second)]
    return shared / (areas[0] + areas[1] - shared + 1e-16)


def iou_losses(first: Tensor, second: Tensor) -> Tensor:
    """1 - IoU² of boxes in pairs: [P, 4], [P, 4] -> [P]."""
    return 1 - paired_ious(first, second) ** 2


def coded(boxes: Tensor, cells: Tensor, strides: Tensor) -> Tensor:
    """Boxes as the head gives them: offset of the centre from its cell and log of the size, in strides: [P, 4]."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / strides[:, None] - cells
    size = (boxes[:, 2:] - boxes[:, :2]) / strides[:, None]
    return torch.cat((centre, (size + 1e-8).log()), dim=1)


def losses(raw: Raw, boxes: list[Tensor], labels: list[Tensor], l1: bool = False) -> dict[str, Tensor]:
    """The parts of the loss of a batch, each []: "iou" (times 5), "object", "class", and "l1" (0 without ``l1``).

    The target of a class is the IoU of the place's box, so that the score says how well the box fits.

    Args:
        raw: outputs of the network.
        boxes: objects of each picture, float [G, 4], x1, y1, x2, y2 in pixels of the input.
        labels: their classes, int64 [G].
        l1: whether to add the L1 loss of the coded boxes, as in the last epochs, without mosaic.
    """
    predicted = corners(raw)
    found = [_of_picture(raw, predicted, index, *each) for index, each in enumerate(zip(boxes, labels, strict=True))]
    count = max(1, sum(len(each.places) for each in found))
    picture = torch.cat([torch.full_like(each.places, index) for index, each in enumerate(found)])
    places = torch.cat([each.places for each in found])
    truth = torch.cat([part[each.objects] for part, each in zip(boxes, found, strict=True)])
    kinds = torch.cat([part[each.objects] for part, each in zip(labels, found, strict=True)])
    ious = torch.cat([each.ious for each in found])
    wanted = F.one_hot(kinds, raw.classes.shape[2]) * ious[:, None].to(raw.classes)
    present = torch.zeros_like(raw.objects)
    present[picture, places] = 1
    parts = {
        "iou": IOU_WEIGHT * iou_losses(predicted[picture, places], truth).sum(),
        "object": F.binary_cross_entropy_with_logits(raw.objects, present, reduction="sum"),
        "class": F.binary_cross_entropy_with_logits(raw.classes[picture, places], wanted, reduction="sum"),
        "l1": raw.boxes.new_zeros(()),
    }
    if l1:
        target = coded(truth, raw.cells[places], raw.strides[places])
        parts["l1"] = F.l1_loss(raw.boxes[picture, places], target, reduction="sum")
    return {name: part / count for name, part in parts.items()}


def _of_picture(raw: Raw, predicted: Tensor, index: int, boxes: Tensor, labels: Tensor) -> Assignment:
    return assigned(
        predicted[index], raw.objects[index], raw.classes[index], raw.cells, raw.strides, boxes, labels
    )  # fmt: skip
