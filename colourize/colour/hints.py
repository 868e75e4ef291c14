"""Colours given at some places: what a user knows of a picture, as four more channels of a network's input.

N images, H height, W width. Hints are [N, 4, H, W]: RGB in [0, 1] where there is one and 0 elsewhere, and the mask.
Random numbers come from torch's generator of the CPU, which a run seeds anew in every step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

CHANNELS = 4
STOP = 1 / 8  # chance, after each hint, that it was the last: as many as a geometric distribution draws
LARGEST = 9  # side of a patch in pixels


def drawn(colours: Tensor) -> Tensor:
    """Hints as training draws them: the true classes' colours [N, 3, H, W] in [0, 1] -> [N, 4, H, W].

    After Zhang and others 2017 (arXiv 1705.02999): their number is geometric, P(n) = (1 - p)^n p with p = 1/8; a hint
    is a square of side 1 to 9 around a place drawn from a normal distribution about the middle, standard deviation a
    quarter of the side, and shows the mean colour of what it covers.
    """
    count, _, height, width = colours.shape
    numbers = torch.distributions.Geometric(probs=torch.tensor(STOP)).sample((count,)).long()
    owner = torch.arange(count).repeat_interleave(numbers)
    sides = torch.tensor([height, width], dtype=torch.float32)
    centres = (sides / 2 + sides / 4 * torch.randn(len(owner), 2)).floor().clamp(torch.zeros(2), sides - 1)
    sizes = torch.randint(1, LARGEST + 1, (len(owner),))
    return patched(colours, owner, centres.long(), sizes)


def scattered(colours: Tensor, number: int, size: int, generator: torch.Generator) -> Tensor:
    """``number`` hints a picture at places drawn evenly, each ``size`` pixels wide: [N, 3, H, W] -> [N, 4, H, W]."""
    count, _, height, width = colours.shape
    places = torch.stack([torch.randperm(height * width, generator=generator)[:number] for _ in range(count)])
    owner = torch.arange(count).repeat_interleave(places.shape[1])
    centres = torch.stack((places.flatten() // width, places.flatten() % width), dim=1)
    return patched(colours, owner, centres, torch.full((len(owner),), size))


def everywhere(colours: Tensor) -> Tensor:
    """Every pixel's own colour: [N, 3, H, W] -> [N, 4, H, W]."""
    return torch.cat((colours, torch.ones_like(colours[:, :1])), dim=1)


def patched(colours: Tensor, owner: Tensor, centres: Tensor, sizes: Tensor) -> Tensor:
    """Hints at given places, later ones over earlier.

    Args:
        colours: [N, 3, H, W] in [0, 1].
        owner: which picture each hint is in, int64 [M].
        centres: row and column, int64 [M, 2].
        sizes: side of each hint, int64 [M]; what lies outside the picture is left out.

    Returns:
        [N, 4, H, W].
    """
    count, _, height, width = colours.shape
    top, left = (centres - (sizes // 2)[:, None]).T
    bottom, right = (top + sizes).clamp(0, height), (left + sizes).clamp(0, width)
    top, left = top.clamp(0, height), left.clamp(0, width)
    sums = F.pad(colours.double().cumsum(2).cumsum(3), (1, 0, 1, 0))  # of all pixels above and to the left
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
