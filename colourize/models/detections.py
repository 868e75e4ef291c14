"""From the outputs of a detector to boxes. N pictures, A places, K classes, m boxes of a picture."""

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from colourize.models.yolox import Raw, corners

Detections = tuple[Tensor, Tensor, Tensor]
"""Best first: boxes float [m, 4] as x1, y1, x2, y2 in pixels of the input, scores [m] in [0, 1], labels int64 [m]."""


LEAST, OVERLAP, MOST = 0.01, 0.65, 100  # those with which the published networks were measured


def kept(
    boxes: Tensor, scores: Tensor, labels: Tensor, least: float = LEAST, overlap: float = OVERLAP, most: int = MOST
) -> Detections:
    """The boxes of one picture, without those that overlap a better one of their class (non-maximum suppression).

    Args:
        boxes: [A, 4], x1, y1, x2, y2.
        scores: [A].
        labels: int64 [A].
        least: lowest score.
        overlap: IoU from which the worse of two boxes is dropped.
        most: number of boxes of a picture.
    """
    good = scores >= least
    boxes, scores, labels = boxes[good], scores[good], labels[good]
    best = batched_nms(boxes, scores, labels, overlap)[:most]
    return boxes[best], scores[best], labels[best]


def detections(raw: Raw, least: float = LEAST, overlap: float = OVERLAP, most: int = MOST) -> list[Detections]:
    """The boxes of each picture, see ``kept``.

    A place has its best class, and the score objectness * probability of the class.

    Args:
        raw: outputs of the network.
        least: see ``kept``.
        overlap: see ``kept``.
        most: see ``kept``.
    """
    scores, labels = raw.classes.sigmoid().max(dim=2)
    scores, boxes = (scores * raw.objects.sigmoid()).float(), corners(raw).float()
    return [kept(*each, least, overlap, most) for each in zip(boxes, scores, labels, strict=True)]


def on_original(found: Detections, scale: float, height: int, width: int) -> Detections:
    """Detections in a letterboxed picture as boxes on the original one, clipped to its borders.

    Args:
        found: detections in the input of the network.
        scale: the letterbox's pixels for a pixel of the original.
        height: of the original.
        width: of the original.
    """
    boxes = found[0] / scale
    limits = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    return torch.minimum(boxes.clamp(min=0), limits), found[1], found[2]
