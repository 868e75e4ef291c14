"""8-bit RGB and its codes. N images, H height, W width, U distinct colours.

Pictures are stored as 8-bit RGB, uint8 [..., 3]. Networks get values scaled by 1/256 into [0, 1), as in the course.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

LEVELS = 256  # the course divides by 256, not by 255 (CSC413 2023, assignment 2, process())
PIXELS = 1 << 22  # pixels processed at once, to bound the memory
FEW = 1 << 18  # up to this many pixels, sorting their codes is faster than a table of all codes


def scaled(images: Tensor) -> Tensor:
    """Scales 8-bit values by 1/256: uint8 [...] -> float32 [...] in [0, 255/256]."""
    return images.float() / LEVELS


def eight_bit(colours: Tensor) -> Tensor:
    """The nearest 8-bit values: float [...] in [0, 1] -> uint8 [...]; undoes ``scaled`` exactly."""
    return (colours * LEVELS).round().clamp(0, LEVELS - 1).to(torch.uint8)


def grey(images: Tensor) -> Tensor:
    """The network's input, mean(R, G, B) / 256: uint8 [N, H, W, 3] -> float32 [N, 1, H, W] in [0, 1)."""
    values = images.new_empty(images.shape[:-1], dtype=torch.float32)
    rows = max(1, PIXELS // max(1, images[:1, ..., 0].numel()))  # the sum takes 12 bytes a pixel
    for part, target in zip(images.split(rows), values.split(rows), strict=True):
        torch.div(part.sum(dim=-1, dtype=torch.float32), 3 * LEVELS, out=target)
    return values.unsqueeze(1)


def packed(images: Tensor) -> Tensor:
    """The code of each colour, R * 65536 + G * 256 + B: uint8 [..., 3] -> int32 [...]."""
    red, green, blue = images.int().unbind(-1)
    return (red << 16) | (green << 8) | blue


def unpacked(codes: Tensor) -> Tensor:
    """Undoes ``packed``: integer [...] -> uint8 [..., 3]."""
    return torch.stack((codes >> 16, codes >> 8 & 255, codes & 255), dim=-1).to(torch.uint8)


def per_colour(images: Tensor, function: Callable[[Tensor], Tensor], dtype: torch.dtype) -> Iterator[Tensor]:
    """Applies a function of colours to every pixel: uint8 [N, H, W, 3] -> parts of [N, H, W].

    The function is computed once for each distinct colour; for many pixels, through a table of 2**24 entries.

    Args:
        images: uint8 [N, H, W, 3].
        function: uint8 [U, 3] -> [U].
        dtype: type of the result.
    """
    if 0 < images[..., 0].numel() <= FEW:
        codes, places = packed(images).unique(return_inverse=True)
        yield function(unpacked(codes)).to(dtype)[places]
        return
    present = torch.zeros(LEVELS**3, dtype=torch.bool)
    for chunk in images.flatten(0, -2).split(PIXELS):
        present[packed(chunk)] = True
    codes = present.nonzero()[:, 0]
    table = torch.zeros(LEVELS**3, dtype=dtype)
    table[codes] = function(unpacked(codes)).to(dtype)
    for part in images.split(max(1, PIXELS // images[0, ..., 0].numel())):
        yield table[packed(part)]
