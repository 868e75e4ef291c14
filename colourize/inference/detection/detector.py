"""A trained detector: finds boxes in a picture of any size. H height, W width, S side of the network's input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from colourize.data.boxes.boxed import Found
from colourize.data.boxes.letterbox import letterboxed
from colourize.models.detections import detections, on_original
from colourize.models.yolox import YOLOX

OVERLAP, MOST = 0.65, 100


@dataclass(frozen=True)
class Detector:
    """A network with its classes.

    ``network``: ``YOLOX``, or a network with ``detections``. ``side``: S, a multiple of 32; the longer side of a
    picture is scaled to it. ``name``: for messages.
    """

    network: nn.Module
    classes: tuple[str, ...]
    side: int
    name: str = "detector"

    def __call__(self, picture: NDArray[np.uint8], least: float = 0.01, overlap: float = OVERLAP) -> Found:
        """The boxes of one picture, uint8 [H, W, 3], in its own pixels, best first.

        Args:
            picture: red, green, blue.
            least: lowest score.
            overlap: IoU from which the worse of two boxes of one class is dropped.
        """
        square, scale = letterboxed(picture, self.side)
        device = next(self.network.parameters()).device
        batch = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None].to(device)
        with torch.no_grad():
            if isinstance(self.network, YOLOX):
                raw = self.network(batch.flip(1).float())  # blue, green, red in 0 to 255
                (found,) = detections(raw, least, overlap, MOST)
            else:
                network: Any = self.network
                (found,) = network.detections(batch)
        boxes, scores, labels = on_original(found, scale, *picture.shape[:2])
        good = (scores >= least) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        return Found(boxes[good].float().cpu(), scores[good].float().cpu(), labels[good].cpu())


def of_classes(found: Found, names: Sequence[str], wanted: Sequence[str]) -> Found:
    """The boxes of the classes ``wanted``, with labels that are indices of ``wanted``."""
    places = torch.tensor([wanted.index(name) if name in wanted else -1 for name in names])
    labels = places[found.labels]
    kept = labels >= 0
    return Found(found.boxes[kept], found.scores[kept], labels[kept])
