"""Pictures with boxes as batches. N pictures of a batch, S their side, M the most boxes of a picture in it."""

import hashlib
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from colourize.config.instantiate import builder
from colourize.config.options import option
from colourize.data.boxes import drawn
from colourize.data.boxes.boxed import Boxed
from colourize.data.boxes.mosaic import Example, Mosaic, squared
from colourize.training.batches import BatchedData, Batches

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Pictures uint8 [N, 3, S, S] (red, green, blue), boxes float32 [N, M, 4] in their pixels, labels int64 [N, M] with -1
after a picture's last box, indices int64 [N]."""
LATE = 0.85  # share of the epochs after which the L1 loss is added, without mosaics


class Squares:
    """Pictures of a split as squares, indexed by (epoch, indices).

    Args:
        boxed: the pictures.
        side: S.
        augment: changes training pictures; None: they are only scaled.
        seed: of the changes.
        late: the first epoch without mosaics, counted from 0.
    """

    def __init__(
        self, boxed: Boxed, side: int, augment: Mosaic | None = None, seed: int = 0, late: float = math.inf
    ) -> None:
        self.boxed, self.side, self.augment, self.seed, self.late = boxed, side, augment, seed, late

    def __len__(self) -> int:
        return len(self.boxed)

    def __getitem__(self, place: tuple[int, Tensor]) -> Batch:
        epoch, indices = place
        examples = [self._example(epoch, index) for index in indices.tolist()]
        most = max(1, *(len(each.labels) for each in examples))
        boxes, labels = torch.zeros(len(examples), most, 4), torch.full((len(examples), most), -1)
        for row, each in enumerate(examples):
            boxes[row, : len(each.boxes)] = torch.from_numpy(each.boxes)
            labels[row, : len(each.labels)] = torch.from_numpy(each.labels)
        pictures = torch.from_numpy(np.stack([each.picture for each in examples]).transpose(0, 3, 1, 2).copy())
        return pictures, boxes, labels, indices

    def _example(self, epoch: int, index: int) -> Example:
        if self.augment is None:
            return squared(self._whole(index), self.side)
        random = np.random.default_rng((self.seed, epoch, index))
        late = epoch >= self.late
        return self.augment(self._whole(index), self._whole, len(self), self.side, late, random)

    def _whole(self, index: int) -> Example:
        """A picture with its boxes, except those around groups."""
        single = ~self.boxed.crowd(index).numpy()
        boxes, labels = self.boxed.boxes[index].numpy(), self.boxed.labels[index].numpy()
        return Example(self.boxed.picture(index), boxes[single], labels[single])


class InEpoch(Batches):
    """Batches as (epoch, indices)."""

    def __iter__(self) -> Iterator[Any]:
        for indices in super().__iter__():
            yield self.epoch, indices


class DetectionData(BatchedData):
    """Loaders of pictures with boxes.

    Args:
        train: the training pictures.
        validation: the pictures that validate.
        side: S.
        batch_size: N.
        seed: of order and augmentation.
        augment: see ``Squares``.
        late: see ``Squares``.
    """

    order = InEpoch

    def __init__(
        self,
        train: Boxed,
        validation: Boxed,
        side: int,
        batch_size: int,
        seed: int = 0,
        augment: Mosaic | None = None,
        late: float = math.inf,
    ) -> None:
        super().__init__(Squares(train, side, augment, seed, late), Squares(validation, side), batch_size, seed)
        self.boxed, self.truth, self.side = train, validation, side

    @cached_property
    def fingerprint(self) -> str:
        """20 hex digits that identify pictures, boxes and classes."""
        digest = hashlib.sha256(repr(self.boxed.classes).encode())
        for split in (self.boxed, self.truth):
            for index in range(len(split)):
                picture = split.pictures[index]
                digest.update(picture.tobytes() if isinstance(picture, np.ndarray) else picture.read_bytes())
                for part in (split.boxes[index], split.labels[index], split.crowd(index)):
                    digest.update(part.numpy().tobytes())
        return digest.hexdigest()[:20]


def load(knobs: dict[str, Any]) -> DetectionData:
    """Loads the pictures of a configuration.

    Raises:
        InputError: the source or its pictures cannot be used.
    """
    node = knobs["data"]
    if option(node["_target_"], "data") == "scenes":
        train, validation = drawn.load(**{name: value for name, value in node.items() if name != "_target_"})
    else:
        train, validation = builder("data", node)()
    augment = builder("augment", knobs["augment"])() if knobs.get("augment") else None
    return DetectionData(
        train, validation, knobs["image_size"], knobs["batch_size"], knobs["seed"], augment, late_epoch(knobs)
    )


def late_epoch(knobs: dict[str, Any]) -> int:
    """The first epoch without mosaics and with the L1 loss, counted from 0."""
    share = knobs["augment"]["until"] if knobs.get("augment") and "until" in knobs["augment"] else LATE
    return math.ceil(share * knobs["max_epochs"])
