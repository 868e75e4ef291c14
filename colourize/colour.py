"""Numbers and colours. N images, H height, W width.

Pictures are stored as 8-bit RGB, uint8 [..., 3]. The networks see them as the course does: scaled by 1/256 into [0, 1).
"""

import torch
from torch import Tensor

LEVELS = 256  # the course divides by 256, not by 255 (CSC413 2023, assignment 2, process())


def scaled(images: Tensor) -> Tensor:
    """8-bit values as the course scales them: uint8 [...] -> float32 [...] in [0, 255/256]."""
    return images.float() / LEVELS


def eight_bit(colours: Tensor) -> Tensor:
    """The nearest 8-bit values: float [...] in [0, 1] -> uint8 [...]; undoes ``scaled`` exactly."""
    return (colours * LEVELS).round().clamp(0, LEVELS - 1).to(torch.uint8)


def grey(images: Tensor) -> Tensor:
    """The networks' input, mean(R, G, B) / 256: uint8 [N, H, W, 3] -> float32 [N, 1, H, W]."""
    return (images.sum(dim=-1, dtype=torch.float32) / (3 * LEVELS)).unsqueeze(1)
