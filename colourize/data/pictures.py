"""What every data source returns. N images, H height, W width."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from colourize.errors import InputError

NUM_EXAMPLES = 10


@dataclass(frozen=True)
class Pictures:
    """RGB pictures of a training and a validation split, uint8 [N, H, W, 3].

    ``train_objects`` and ``validation_objects``, uint8 [N, H, W], say which kind of object each pixel shows, where the
    source knows it (``scenes``). ``mapped`` where the pictures lie on disk, memory-mapped.
    """

    train: Tensor
    validation: Tensor
    train_objects: Tensor | None = None
    validation_objects: Tensor | None = None
    mapped: bool = False


def example_index(num_pictures: int) -> Tensor:
    """Which pictures are shown: always the same ten, as in the course's figure, spread evenly: int64 [<= 10]."""
    return torch.linspace(0, num_pictures - 1, min(NUM_EXAMPLES, num_pictures)).long()


def held_out(contents: Sequence[bytes], share: float) -> np.ndarray:
    """Which pictures validate: bool [N], about ``share`` of them, from a hash of each picture's content.

    A picture's side depends on nothing but its own content: it stays when others are added, and exact duplicates never
    stand on both sides. Where the rule would leave one side empty, the picture nearest to the border changes sides.

    Raises:
        InputError: ``share`` outside (0, 1), or fewer than two distinct pictures.
    """
    if not 0 < share < 1:
        raise InputError(f"holdout={share} is no share of the training pictures; pass 0 < holdout < 1")
    position = np.array([int.from_bytes(hashlib.blake2b(c, digest_size=8).digest()) / 2**64 for c in contents])
    if len(np.unique(position)) < 2:
        raise InputError(f"{len(position)} pictures, fewer than two distinct ones, cannot be split; add pictures")
    border = min(max(share, np.nextafter(position.min(), 1)), position.max())
    return position < border
