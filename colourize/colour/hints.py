"""Hints: colours given by a user at some pixels, as four additional input channels of a network.

N images, M hints, H height, W width. Hints are [N, 4, H, W]: RGB in [0, 1] at the given pixels and 0 elsewhere, then a
mask in {0, 1}. Random numbers come from torch's CPU generator, which a run seeds in every step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

CHANNELS = 4
STOP = 1 / 8  # parameter p of the geometric distribution of the number of hints
LARGEST = 9  # largest side of a hint, in pixels


def drawn(colours: Tensor) -> Tensor:
    """Random hints for training: true colours [N, 3, H, W] in [0, 1] -> hints [N, 4, H, W].

    After Zhang and others 2017 (arXiv 1705.02999). The number of hints is geometric, P(n) = (1 - p)^n p with p = 1/8. A
    hint is a square of side 1 to 9 pixels with the mean colour of its pixels. Its centre has a normal distribution
    around the middle of the picture, with a standard deviation of a quarter of the side.
    """
    count, _, height, width = colours.shape
    numbers = torch.distributions.Geometric(probs=torch.tensor(STOP)).sample((count,)).long()
    owner = torch.arange(count).repeat_interleave(numbers)
    sides = torch.tensor([height, width], dtype=torch.float32)
    centres = (sides / 2 + sides / 4 * torch.randn(len(owner), 2)).floor().clamp(torch.zeros(2), sides - 1)
    sizes = torch.randint(1, LARGEST + 1, (len(owner),))
    return patched(colours, owner, centres.long(), sizes)


def scattered(colours: Tensor, number: int, size: int, generator: torch.Generator) -> Tensor:
    """Hints at places drawn uniformly without replacement: colours [N, 3, H, W] in [0, 1] -> hints [N, 4, H, W].

    Args:
        colours: true colours.
        number: hints in each picture, >= 0.
        size: side of each hint, in pixels.
        generator: a CPU generator, which draws the places.
    """
    count, _, height, width = colours.shape
    places = torch.stack([torch.randperm(height * width, generator=generator)[:number] for _ in range(count)])
    owner = torch.arange(count).repeat_interleave(places.shape[1])
    centres = torch.stack((places.flatten() // width, places.flatten() % width), dim=1)
    return patched(colours, owner, centres, torch.full((len(owner),), size))


def everywhere(colours: Tensor) -> Tensor:
    """A hint at every pixel: colours [N, 3, H, W] in [0, 1] -> hints [N, 4, H, W]."""
    return torch.cat((colours, torch.ones_like(colours[:, :1])), dim=1)


def patched(colours: Tensor, owner: Tensor, centres: Tensor, sizes: Tensor) -> Tensor:
    """Hints at given places; a later hint covers an earlier one.

    Args:
        colours: [N, 3, H, W] in [0, 1].
        owner: index of the picture of each hint, int64 [M].
        centres: row and column of each hint, in pixels, int64 [M, 2].
        sizes: side of each hint, in pixels, int64 [M]; squares are cropped at the picture's border.

    Returns:
        [N, 4, H, W].
    """
    count, _, height, width = colours.shape
    top, left = (centres - (sizes // 2)[:, None]).T
    bottom, right = (top + sizes).clamp(0, height), (left + sizes).clamp(0, width)
    top, left = top.clamp(0, height), left.clamp(0, width)
    sums = F.pad(colours.double().cumsum(2).cumsum(3), (1, 0, 1, 0))  # summed-area table
    corners = [sums[owner, :, row, column] for row in (top, bottom) for column in (left, right)]
    means = (corners[3] - corners[2] - corners[1] + corners[0]) / ((bottom - top) * (right - left))[:, None]
    rows, columns = (torch.arange(side) for side in (height, width))
    inside_rows = (rows >= top[:, None]) & (rows < bottom[:, None])
    inside = inside_rows[:, :, None] & ((columns >= left[:, None]) & (columns < right[:, None]))[:, None]
    order = torch.arange(1, len(owner) + 1)
    latest = torch.zeros(count, height, width, dtype=torch.int64)
    latest.scatter_reduce_(0, owner[:, None, None].expand_as(inside), inside * order[:, None, None], "amax")
    shown = torch.cat((means.new_zeros(1, 3), means))[latest].to(colours.dtype)
    return torch.cat((shown.permute(0, 3, 1, 2), (latest > 0)[:, None].to(colours.dtype)), dim=1)
