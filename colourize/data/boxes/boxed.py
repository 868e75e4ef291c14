"""``Boxed``: pictures with boxes, which every source of boxes returns. N pictures, n boxes of a picture.

Predictions for a picture are ``Found``: boxes with scores and labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from colourize.data import read
from colourize.errors import InputError


class Found(NamedTuple):
    """The boxes that a detector found in one picture, best first.

    ``boxes`` float32 [m, 4] as x1, y1, x2, y2 in pixels of the original picture, ``scores`` float32 [m] in [0, 1],
    ``labels`` int64 [m], indices of the classes.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Boxed:
    """Pictures with boxes.

    ``pictures``: N files or uint8 arrays [H, W, 3]. ``boxes``: N x float32 [n, 4] as x1, y1, x2, y2 in pixels of the
    original picture, upright as a viewer shows it, 0 <= x1 < x2 <= W and 0 <= y1 < y2 <= H. ``labels``: N x int64 [n],
    indices of ``classes``. ``sizes``: int64 [N, 2] as H, W. ``crowds``: N x bool [n], true for a box around a group
    (COCO's ``iscrowd``, VOC's ``difficult``), which is neither trained nor counted; None: there are none.
    """

    pictures: Sequence[Path | np.ndarray]
    boxes: list[Tensor]
    labels: list[Tensor]
    classes: tuple[str, ...]
    sizes: Tensor
    crowds: list[Tensor] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.pictures), len(self.boxes), len(self.labels), len(self.sizes)}
        if len(lengths) > 1:
            raise ValueError(f"pictures, boxes, labels and sizes must have the same length, got {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.pictures)

    def picture(self, index: int) -> np.ndarray:
        """One picture as uint8 [H, W, 3].

        Raises:
            InputError: its file is damaged, or no longer there.
        """
        picture = self.pictures[index]
        if isinstance(picture, np.ndarray):
            return picture
        try:
            return np.array(read.read_rgb(picture))
        except read.UnreadablePicture as error:
            raise InputError(f"{picture} cannot be read ({error}); repair it, or remove it with its boxes") from error

    def crowd(self, index: int) -> Tensor:
        """Which boxes of one picture are around a group: bool [n]."""
        return torch.zeros(len(self.labels[index]), dtype=torch.bool) if self.crowds is None else self.crowds[index]

    def chosen(self, indices: Sequence[int]) -> "Boxed":
        """The pictures with these indices, in their order."""
        return replace(
            self,
            pictures=[self.pictures[i] for i in indices],
            boxes=[self.boxes[i] for i in indices],
            labels=[self.labels[i] for i in indices],
            sizes=self.sizes[list(indices)],
            crowds=None if self.crowds is None else [self.crowds[i] for i in indices],
        )

    def name(self, index: int) -> str:
        """The name of one picture for messages: its file's name, or its number."""
        picture = self.pictures[index]
        return str(index) if isinstance(picture, np.ndarray) else picture.name


class Splits(NamedTuple):
    """Pictures with boxes of a training and a validation split, with the same classes."""

    train: Boxed
    validation: Boxed


def empty() -> Found:
    """A prediction without boxes."""
    return Found(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))
