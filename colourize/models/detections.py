"""From the raw outputs of YOLOX to boxes. N pictures, A places, K classes, m boxes of a picture."""

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from colourize.models.yolox import Raw, corners

Detections = tuple[Tensor, Tensor, Tensor]
"""Best first: boxes float [m, 4] as x1, y1, x2, y2 in pixels of the input, scores [m] in [0, 1], labels int64 [m]."""


def detections(raw: Raw, least: float = 0.01, overlap: float = 0.65, most: int = 100) -> list[Detections]:
    """The boxes of each picture, without those that overlap a better one of their class (non-maximum suppression).

    A place has its best class, and the score objectness * probability of the class. The defaults are those with which
    the published networks were measured.

    Args:
        raw: outputs of the network.
        least: lowest score.
        overlap: IoU from which the worse of two boxes is dropped.
        most: number of boxes of a picture.
    """
    scores, labels = raw.classes.sigmoid().max(dim=2)
    scores, boxes = (scores * raw.objects.sigmoid()).float(), corners(raw).float()
    found = []
    for box, score, label in zip(boxes, scores, labels, strict=True):
        good = score >= least
        box, score, label = box[good], score[good], label[good]
        kept = batched_nms(box, score, label, overlap)[:most]
        found.append((box[kept], score[kept], label[kept]))
    return found


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
