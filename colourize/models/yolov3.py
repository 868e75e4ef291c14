"""The head of YOLOv3 with anchors (Redmon and Farhadi 2018, arXiv 1804.02767) on the body of YOLOX.

The boxes have the form of the course of 2022: centre (2 σ - 0.5 + cell) * stride, size (2 σ)² * anchor. The body is
CSPDarknet with PAFPN and not Darknet-53, whose 62 million weights would be slow on a CPU. N pictures, S their side,
B = 3 anchors of a stride, H, W its cells, K classes.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from colourize import files
from colourize.models import yolox_weights
from colourize.models.anchor_losses import Level, as_boxes, losses
from colourize.models.detections import Detections, kept
from colourize.models.yolox import PAFPN, STRIDES, YOLOX, CSPDarknet

ANCHORS = (
    ((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326))
)  # fmt: skip
"""Width and height in pixels at strides 8, 16, 32, from k-means over the boxes of COCO at a side of ``SIDE``."""
SIDE = 416
OBJECTS, CLASSES = 8, 0.6  # objects of a picture of 640 pixels and of a place, for the initial probabilities
PUBLISHED_CLASSES = 80


class YOLOv3(nn.Module):
    """Pictures to boxes with classes, by anchors. Sides must be multiples of 32.

    Args:
        num_classes: K.
        depth: as in ``YOLOX``, whose weights fit the body.
        width: as in ``YOLOX``.
        depthwise: as in ``YOLOX``.
    """

    def __init__(self, num_classes: int = 80, depth: float = 0.33, width: float = 0.25, depthwise: bool = True) -> None:
        super().__init__()
        self.num_classes, self.body = num_classes, (depth, width, depthwise)
        self.backbone = CSPDarknet(depth, width, depthwise)
        self.neck = PAFPN(depth, width, depthwise)
        channels = [int(each * width) for each in (256, 512, 1024)]
        layers = [nn.Conv2d(each, len(ANCHORS[0]) * (5 + num_classes), 1) for each in channels]
        for layer, stride in zip(layers, STRIDES, strict=True):
            assert layer.bias is not None
            bias = layer.bias.detach().view(len(ANCHORS[0]), -1)
            bias[:, 4] += math.log(OBJECTS / (640 / stride) ** 2)
            bias[:, 5:] += math.log(CLASSES / (num_classes - 0.99))
        self.head = nn.ModuleList(layers)

    def forward(self, pictures: Tensor) -> list[Level]:
        """Raw outputs at each stride: uint8 [N, 3, S, S], red, green, blue -> ``Level`` for strides 8, 16, 32.

        The anchors are scaled with S, because they are of pictures of ``SIDE`` pixels.
        """
        features = self.neck(*self.backbone(pictures.flip(1).to(next(self.parameters()))))
        levels = []
        for layer, feature, anchors, stride in zip(self.head, features, ANCHORS, STRIDES, strict=True):
            count, _, height, width = feature.shape
            values = layer(feature).view(count, len(anchors), -1, height, width).permute(0, 1, 3, 4, 2)
            sides = values.new_tensor(anchors) * pictures.shape[-1] / SIDE
            levels.append(Level(values, sides, stride))
        return levels

    def losses(self, pictures: Tensor, boxes: Sequence[Tensor], labels: Sequence[Tensor]) -> dict[str, Tensor]:
        """The losses "box", "object" and "class", each [].

        Args:
            pictures: uint8 [N, 3, S, S], red, green, blue.
            boxes: of each picture, [n, 4] as x1, y1, x2, y2 in its pixels.
            labels: of each picture, int64 [n].
        """
        return losses(self(pictures), boxes, labels)

    def detections(self, pictures: Tensor) -> list[Detections]:
        """Detections in pictures, uint8 [N, 3, S, S], red, green, blue."""
        parts = [_places(level) for level in self(pictures)]
        boxes, scores = (torch.cat(each, dim=1).float() for each in zip(*parts, strict=True))
        return [kept(box, *score.max(dim=1)) for box, score in zip(boxes, scores, strict=True)]

    def load(self, source: str) -> None:
        """Copies backbone and neck of trained weights of YOLOX: ``coco`` or a file; the head is new.

        Raises:
            InputError: the weights are not available, or do not fit.
        """
        like = YOLOX(PUBLISHED_CLASSES, *self.body)
        file = yolox_weights.published(like) if source == "coco" else files.expanded(source)
        state = yolox_weights.read(file, like)
        for name in ("backbone", "neck"):
            own = {key.removeprefix(f"{name}."): each for key, each in state.items() if key.startswith(f"{name}.")}
            getattr(self, name).load_state_dict(own)


def _places(level: Level) -> tuple[Tensor, Tensor]:
    """Boxes [N, A, 4] in pixels and scores of the classes [N, A, K] of a stride, A = B H W."""
    values, (height, width) = level.values, level.values.shape[2:4]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shape = values.shape[:4]
    columns, rows = (each.to(values).expand(shape) for each in (columns, rows))
    anchors = level.anchors[:, None, None].expand(*shape, 2)
    boxes = as_boxes(values[..., :4], columns, rows, anchors, level.stride)
    scores = values[..., 4:5].sigmoid() * values[..., 5:].sigmoid()
    return boxes.flatten(1, 3), scores.flatten(1, 3)
