"""P(colour | grey level, place): a floor that also uses the place of a pixel in the picture.

N images, H height, W width, K colours, L grey levels, B bands of them, G cells of a grid over the picture, F folds.
"""

import math

import torch
from torch import Tensor, nn

from colourize.models.lookup import LEVELS, NUM_FOLDS, PIXELS, LookupTable, grey_level

GRID = 8  # cells on each side of a picture
BANDS = 64  # of 12 grey levels each
WEIGHTS = 1.0, 10.0, 100.0, 1e3, 1e4, 1e5  # of P(colour | grey level) against the counts of a cell, in pixels


def cells(height: int, width: int) -> Tensor:
    """The cell of an 8x8 grid that contains each pixel's centre, row by row: int64 [H, W] in 0 ... 63."""
    rows, columns = (((torch.arange(side) + 0.5) * GRID / side).long() for side in (height, width))
    return rows[:, None] * GRID + columns


def bands(grey: Tensor) -> Tensor:
    """The band of each pixel's grey level: float [N, 1, H, W] in [0, 1) -> int64 [N, H, W] in 0 ... 63."""
    return grey_level(grey) * BANDS // LEVELS


class PlaceTable(nn.Module):
    """Counts of colours by place and grey level, smoothed towards P(colour | grey level). Has no parameters to train.

    P(k | g, l) = (n[g, b(l), k] + a P(k | l)) / (n[g, b(l)] + a), with n the numbers of training pixels in cell g and
    in the band b of grey level l. Cross-validation over folds of the training pictures selects a.

    Args:
        table: P(k | l), fitted to the same pictures.
    """

    counts: Tensor
    weight: Tensor

    def __init__(self, table: LookupTable) -> None:
        super().__init__()
        self.table = table
        self.register_buffer("counts", torch.zeros(GRID**2, BANDS, table.scores.shape[1], dtype=torch.int32))
        self.register_buffer("weight", torch.tensor(math.inf))

    def fit(self, grey: Tensor, labels: Tensor) -> None:
        """Counts the training pictures, a part of them at a time: [N, 1, H, W] in [0, 1), [N, H, W]."""
        folds = place_counts(grey, labels, self.counts.shape[2])
        self.counts.copy_(folds.sum(0))
        self.weight.fill_(best_weight(folds.double()))

    def forward(self, grey: Tensor) -> Tensor:
        """Log-probabilities: [N, 1, H, W] in [0, 1) -> [N, K, H, W]."""
        likely = self.table(grey).permute(0, 2, 3, 1).exp()
        if not bool(self.weight.isfinite()):
            return likely.log().permute(0, 3, 1, 2)
        seen = self.counts[cells(*grey.shape[-2:]), bands(grey)].float()
        return ((seen + self.weight * likely) / (seen.sum(-1, keepdim=True) + self.weight)).log().permute(0, 3, 1, 2)


def place_counts(grey: Tensor, labels: Tensor, num_colours: int) -> Tensor:
    """Numbers of pixels by fold, place, band and colour: [N, 1, H, W], [N, H, W] -> int64 [F, G, B, K].

    All pixels of a picture are in the same fold, which is drawn with a fixed seed.
    """
    fold = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)) % NUM_FOLDS
    counts = torch.zeros(NUM_FOLDS * GRID**2 * BANDS * num_colours, dtype=torch.int64)
    place = cells(*labels.shape[1:])
    for part in torch.arange(len(labels)).split(max(1, PIXELS // labels[0].numel())):
        cell = (fold[part].view(-1, 1, 1) * GRID**2 + place) * BANDS + bands(grey[part])
        counts += (cell * num_colours + labels[part].long()).flatten().bincount(minlength=len(counts))
    return counts.view(NUM_FOLDS, GRID**2, BANDS, num_colours)


def best_weight(folds: Tensor) -> float:
    """The weight of ``WEIGHTS`` with the lowest cross-entropy of each fold by the others: float64 [F, G, B, K]."""
    losses = torch.zeros(len(WEIGHTS), dtype=torch.float64)
    total = folds.sum(0)
    for held_out in folds:
        rest = total - held_out
        by_level = rest.sum(0) + (rest.sum((0, 1)) + 1) / (rest.sum() + rest.shape[2])
        by_level = by_level / by_level.sum(1, keepdim=True)
        for index, weight in enumerate(WEIGHTS):
            share = (rest + weight * by_level) / (rest.sum(2, keepdim=True) + weight)
            losses[index] -= (held_out * share.log()).sum()
    return WEIGHTS[int(losses.argmin())]
