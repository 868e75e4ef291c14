"""``Pictures``, which every data source returns. N images, H height, W width."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from colourize.config import knobs
from colourize.errors import InputError

NUM_EXAMPLES = 10


@dataclass(frozen=True)
class Pictures:
    """RGB pictures of a training and a validation split, uint8 [N, H, W, 3].

    ``train_objects`` and ``validation_objects``, uint8 [N, H, W], give the kind of object at each pixel if the source
    knows it (``scenes``), else None. ``mapped``: the pictures are memory-mapped files.
    """

    train: Tensor
    validation: Tensor
    train_objects: Tensor | None = None
    validation_objects: Tensor | None = None
    mapped: bool = False


def example_index(num_pictures: int) -> Tensor:
    """Indices of the example pictures: always the same ten, evenly spaced, as in the course: int64 [<= 10]."""
    return torch.linspace(0, num_pictures - 1, min(NUM_EXAMPLES, num_pictures)).long()


def held_out(contents: Sequence[bytes], share: float) -> np.ndarray:
    """Whether each picture validates, by a hash of its content: bool [N], true for about ``share`` of them.

    A picture's side depends only on its own content: it does not change when others are added, and exact duplicates
    are on the same side. If a side would be empty, the picture nearest to the border moves there.

    Raises:
        InputError: ``share`` of 0 or outside the range of the knob holdout, or fewer than two distinct pictures.
    """
    knobs.check_ranges(holdout=share)
    if share == 0:
        raise InputError(f"holdout must be > 0 to hold pictures out, got {share}; pass holdout=0.1")
    position = np.array([int.from_bytes(hashlib.blake2b(c, digest_size=8).digest()) / 2**64 for c in contents])
    if len(np.unique(position)) < 2:
        raise InputError(f"{len(position)} pictures, fewer than two distinct ones, cannot be split; add pictures")
    border = min(max(share, np.nextafter(position.min(), 1)), position.max())
    return position < border
