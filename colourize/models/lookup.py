"""Predictors without a network: the floors that every network is compared with.

N images, H height, W width, K colours, L grey levels, G groups of pixels, F folds,
B widths of the Gaussian, W weights of the prior.
"""

import functools
import math

import torch
from torch import Tensor, nn

LEVELS = 766  # values of R + G + B with 8-bit channels; the course's grey is this level / 768
BANDWIDTHS = 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0  # widths of the Gaussian, in grey levels; 0.2 smooths nothing
WEIGHTS = 0.1, 1.0, 10.0, 100.0  # weights of the prior, in pixels
NUM_FOLDS = 3
PIXELS = 1 << 20  # pixels counted at once, which bounds the memory


def grey_level(grey: Tensor) -> Tensor:
    """The level R + G + B of each pixel: float [N, 1, H, W] in [0, 1) -> int64 [N, H, W] in 0 ... 765."""
    return (grey[:, 0].float() * 768).round().long().clamp(0, LEVELS - 1)


class ClassPrior(nn.Module):
    """The lowest floor: predicts each colour's share of the training pixels everywhere. Has no parameters to train."""

    scores: Tensor

    def __init__(self, num_colours: int) -> None:
        super().__init__()
        self.register_buffer("scores", torch.full((num_colours,), -math.log(num_colours)))

    def fit(self, grey: Tensor, labels: Tensor) -> None:
        """Counts the labels of the training pictures and adds 1 to each count: [N, 1, H, W], [N, H, W]."""
        parts = labels.split(max(1, PIXELS // labels[0].numel()))
        counts = sum((part.flatten().long().bincount(minlength=len(self.scores)) for part in parts), 0).double() + 1
        self.scores.copy_((counts / counts.sum()).log())

    def forward(self, grey: Tensor) -> Tensor:
        """Log-probabilities, the same at each pixel: [N, 1, H, W] -> [N, K, H, W]."""
        return self.scores.view(1, -1, 1, 1).expand(grey.shape[0], -1, *grey.shape[2:])  # len would fix N on export


class LookupTable(nn.Module):
    """P(colour | grey level), counted on the training pixels and smoothed; uses no neighbouring pixels.

    It beats all three course networks on the course's own metric. Has no parameters to train.
    """

    scores: Tensor

    def __init__(self, num_colours: int) -> None:
        super().__init__()
        self.register_buffer("scores", torch.full((LEVELS, num_colours), -math.log(num_colours)))

    def fit(self, grey: Tensor, labels: Tensor) -> None:
        """Fits the table to the training pictures: [N, 1, H, W] in [0, 1), [N, H, W]."""
        counts = fold_counts(grey, labels, self.scores.shape[1])
        self.scores.copy_(smoothed_table(counts)[0])

    def forward(self, grey: Tensor) -> Tensor:
        """Log-probabilities: [N, 1, H, W] in [0, 1) -> [N, K, H, W]."""
        return self.scores[grey_level(grey)].permute(0, 3, 1, 2)


def fold_counts(
    grey: Tensor, labels: Tensor, num_colours: int, groups: Tensor | None = None, num_groups: int = 1
) -> Tensor:
    """Numbers of pixels by fold, group, grey level and colour.

    [N, 1, H, W] in [0, 1), int64 [N, H, W], groups int64 [N, H, W] -> float64 [F, G, L, K]. All pixels of a picture are
    in the same fold, which is drawn with a fixed seed.
    """
    fold = torch.randperm(len(grey), generator=torch.Generator().manual_seed(0)) % NUM_FOLDS
    counts = torch.zeros(NUM_FOLDS * num_groups * LEVELS * num_colours, dtype=torch.int64)
    for part in torch.arange(len(grey)).split(max(1, PIXELS // grey[0].numel())):
        group = groups[part].long() if groups is not None else torch.zeros((), dtype=torch.int64)
        cell = (fold[part].view(-1, 1, 1) * num_groups + group) * LEVELS + grey_level(grey[part])
        counts += (cell * num_colours + labels[part].long()).flatten().bincount(minlength=len(counts))
    return counts.view(NUM_FOLDS, num_groups, LEVELS, num_colours).double()


def smoothed_table(counts: Tensor) -> Tensor:
    """Log P(colour | group, grey level): float64 [F, G, L, K] -> float32 [G, L, K].

    P = (sum_l' w(l - l') n[l', k] + a p[k]) / (sum_l' w(l - l') n[l'] + a), where w is a Gaussian over neighbouring
    levels and p the group's own shares of the colours. Cross-validation over the folds of the training pictures selects
    the width of w and the weight a with the lowest cross-entropy; validation pictures are not used.
    """
    total = counts.sum(0)
    losses = _held_out_losses(counts, total)
    found = {(b, w): losses[i, j].item() for i, b in enumerate(BANDWIDTHS) for j, w in enumerate(WEIGHTS)}
    bandwidth, weight = min(found, key=found.__getitem__)
    return _log_shares(_kernel(bandwidth) @ total, total, weight).float()


def _held_out_losses(counts: Tensor, total: Tensor) -> Tensor:
    """Cross-entropy (nats) of each fold by a table of the others: [F, G, L, K], their sum [G, L, K] -> float64 [B, W].

    Only the levels and colours that occur are computed: few of a table's cells are filled. The folds are computed
    together, because a matrix of weights between levels takes longer to read than to multiply.
    """
    shares = torch.stack([_shares(total - held_out) for held_out in counts])
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)[:, None]
    losses = torch.zeros(len(BANDWIDTHS), len(WEIGHTS), dtype=torch.float64)
    for group in range(counts.shape[1]):
        levels = _filled(counts[:, group].sum(0))
        numbers = counts[:, group, levels]  # [F, l, K]
        others = (total[group, levels] - numbers).transpose(0, 1).contiguous()  # [l, F, K]
        fold, level, colour = numbers.nonzero(as_tuple=True)
        pixels, prior = numbers[fold, level, colour], weights * shares[fold, group, colour]
        for index, bandwidth in enumerate(BANDWIDTHS):
            smooth = (_kernel(bandwidth)[levels][:, levels] @ others.flatten(1)).view_as(others)
            share = (smooth[level, fold, colour] + prior) / (smooth.sum(2)[level, fold] + weights)  # [W, cells]
            losses[index] -= (pixels * share.log()).sum(1)
    return losses


def _filled(counts: Tensor) -> Tensor | slice:
    """The grey levels that occur in [L, K]; a slice, which is not a copy, if at least a quarter of its levels occur."""
    levels = counts.sum(1).nonzero()[:, 0]
    if not len(levels):
        return levels
    first, last = int(levels[0]), int(levels[-1])
    return slice(first, last + 1) if 4 * len(levels) > last - first else levels


@functools.cache
def _kernel(bandwidth: float) -> Tensor:
    """Gaussian weights between grey levels, 1 on the diagonal: float64 [L, L]."""
    level = torch.arange(LEVELS, dtype=torch.float64)
    return torch.exp(-0.5 * ((level[:, None] - level) / bandwidth) ** 2)


def _shares(counts: Tensor) -> Tensor:
    """Each group's shares of the colours, all above 0: [G, L, K] -> [G, K]."""
    everywhere = counts.sum((0, 1)) + 1
    group = counts.sum(1) + everywhere / everywhere.sum()
    return group / group.sum(1, keepdim=True)


def _log_shares(smooth: Tensor, counts: Tensor, weight: float) -> Tensor:
    """Log-probabilities, all finite: two [G, L, K] -> [G, L, K]."""
    return ((smooth + weight * _shares(counts)[:, None]) / (smooth.sum(2, keepdim=True) + weight)).log()
