"""Losses other than cross-entropy. P pixels, K colours, C channels of a palette.

Inputs are log-probabilities ``rows``, float [P, K], and labels, int64 [P]; ``own`` is the cross-entropy of each pixel,
-log p[label], float [P]. Distances are measured in the palette's space. The unit of a width ``sigma`` is the mean
distance of a colour to its nearest neighbour (``spacing``), so that one value fits every space and number of colours.
0.5 corresponds to Zhang, Isola, Efros 2016 (arXiv 1603.08511): a width of 5 on a grid of 10.
"""

import torch
from torch import Tensor, nn

from colourize.errors import InputError

PICTURES = 1000  # number of pictures whose labels are counted at once


def focal(own: Tensor, gamma: float) -> Tensor:
    """(1 - p)^gamma own, with p = exp(-own): [P] -> [P]. Lin and others 2017 (arXiv 1708.02002), equation 4."""
    wrong = -torch.expm1(-own)
    # for gamma < 1 the slope at own = 0, a certain pixel, is infinite
    return wrong.clamp(min=torch.finfo(own.dtype).tiny) ** gamma * own


def smoothed(rows: Tensor, own: Tensor, epsilon: float) -> Tensor:
    """Cross-entropy against (1 - epsilon) one-hot + epsilon / K: [P, K], [P] -> [P].

    Label smoothing; Szegedy and others 2016 (arXiv 1512.00567), section 7.
    """
    return (1 - epsilon) * own - epsilon * rows.mean(dim=1)


def softly_encoded(rows: Tensor, labels: Tensor, nearest: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy against the distribution of ``soft_encoding`` for the label: [P, K], [P] -> [P]."""
    return -(rows.gather(1, nearest[labels]) * shares[labels]).sum(dim=1)


def class_weights(prior: Tensor, palette: Tensor, uniform: float, sigma: float) -> Tensor:
    """Weights of the classes, higher for rare classes: [K], [K, C] -> float64 [K].

    w ~ 1 / ((1 - lambda) q + lambda / K), scaled so that sum q w = 1, with q the smoothed prior: Zhang, Isola, Efros
    2016, equation 4. Smoothing spreads the share of each class over its neighbours, q_i = sum_j prior_j g_ij / sum_i
    g_ij with g = exp(-d^2 / 2 sigma^2), which keeps the sum for any density of centres.

    Args:
        prior: share of each class in the training pixels, at any scale.
        palette: the centres.
        uniform: lambda in [0, 1]; 1 gives all classes the same weight.
        sigma: width of the smoothing, >= 0; 0 leaves the prior unchanged.
    """
    share = prior.double() / prior.sum()
    if sigma:
        spread = _gaussian(palette, sigma)
        share = spread / spread.sum(dim=0) @ share
    mixed = (1 - uniform) * share + uniform / len(share)
    weights = torch.where(mixed > 0, 1 / mixed, 0.0)  # the loss never uses the weight of a class that does not occur
    return weights / (share @ weights)


def soft_encoding(palette: Tensor, neighbours: int, sigma: float) -> tuple[Tensor, Tensor]:
    """A distribution over the nearest centres for each class: [K, C] -> int64 [K, n], float64 [K, n].

    exp(-d^2 / 2 sigma^2) of the n = min(neighbours, K) nearest centres, itself included, normalized: Zhang, Isola,
    Efros 2016, section 2.2. Their d is the distance from the pixel's colour; here it is the distance from the centre
    of its label, because a batch contains labels and not colours.
    """
    nearest = _distances(palette).sort(dim=1, stable=True).indices[:, :neighbours]
    shares = _gaussian(palette, sigma).gather(1, nearest)
    return nearest, shares / shares.sum(dim=1, keepdim=True)


def spacing(palette: Tensor) -> float:
    """Mean distance of a centre to its nearest neighbour: [K, C] -> a length in the palette's space.

    Raises:
        InputError: all centres are the same.
    """
    length = _distances(palette).fill_diagonal_(torch.inf).min(dim=1).values.mean().item()
    if not length:
        raise InputError(
            "the palette must have colours at different distances, but every colour occurs twice; pass another palette"
        )
    return length


def prior(labels: Tensor, num_colours: int) -> Tensor:
    """Number of pixels of each label: integer [N, H, W] -> int64 [K]."""
    parts = [part.flatten().bincount(minlength=num_colours) for part in labels.split(PICTURES)]
    return torch.stack(parts).sum(dim=0)


def _distances(palette: Tensor) -> Tensor:
    """Distances between all centres: [K, C] -> float64 [K, K]. Computed from differences, so the diagonal is 0."""
    return torch.cdist(palette.double(), palette.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _gaussian(palette: Tensor, sigma: float) -> Tensor:
    """exp(-d^2 / 2 sigma^2) between all centres, sigma in spacings: [K, C] -> float64 [K, K]."""
    return torch.exp(-0.5 * (_distances(palette) / (sigma * spacing(palette))) ** 2)


class Loss(nn.Module):
    """A loss per pixel: ``loss(rows, labels, own)``, [P, K], [P], [P] -> [P]. Checkpoints omit fitted values."""

    def fit(self, palette: Tensor, prior: Tensor) -> None:
        """Fits the loss to the palette [K, C] and the number of training pixels of each class [K]."""


class Focal(Loss):
    """``focal``: lowers the weight of well classified pixels by ``gamma`` >= 0; 0 is cross-entropy."""

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        if not 0 <= gamma < float("inf"):
            raise InputError(f"loss.gamma must be >= 0 and finite, got {gamma}")
        self.gamma = gamma

    def forward(self, rows: Tensor, labels: Tensor, own: Tensor) -> Tensor:
        return focal(own, self.gamma)


class Smoothed(Loss):
    """``smoothed``: spreads a share ``epsilon`` in [0, 1) of each label over all colours."""

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__()
        if not 0 <= epsilon < 1:
            raise InputError(f"loss.epsilon must be in [0, 1), got {epsilon}")
        self.epsilon = epsilon

    def forward(self, rows: Tensor, labels: Tensor, own: Tensor) -> Tensor:
        return smoothed(rows, own, self.epsilon)


class Rebalanced(Loss):
    """Cross-entropy times ``class_weights``."""

    weights: Tensor

    def __init__(self, uniform: float = 0.5, sigma: float = 0.5) -> None:
        super().__init__()
        if not 0 <= uniform <= 1:
            raise InputError(f"loss.uniform must be in [0, 1], got {uniform}; 1 means no rebalancing")
        if not 0 <= sigma < float("inf"):
            raise InputError(f"loss.sigma must be >= 0 and finite, in distances between neighbours, got {sigma}")
        self.uniform, self.sigma = uniform, sigma

    def fit(self, palette: Tensor, prior: Tensor) -> None:
        """Computes the weights of the classes: [K, C], [K]."""
        weights = class_weights(prior, palette, self.uniform, self.sigma)
        self.register_buffer("weights", weights.to(palette.dtype), persistent=False)

    def forward(self, rows: Tensor, labels: Tensor, own: Tensor) -> Tensor:
        return self.weights[labels] * own


class Soft(Rebalanced):
    """``softly_encoded`` over the ``neighbours`` >= 1 nearest colours; with ``uniform`` < 1 also rebalanced."""

    nearest: Tensor
    shares: Tensor

    def __init__(self, neighbours: int = 5, sigma: float = 0.5, uniform: float = 1.0) -> None:
        super().__init__(uniform, sigma)
        if neighbours < 1:
            raise InputError(f"loss.neighbours must be >= 1, got {neighbours}")
        if not sigma:
            raise InputError(f"loss.sigma must be > 0, got {sigma}; loss.neighbours=1 trains only on the label")
        self.neighbours = neighbours

    def fit(self, palette: Tensor, prior: Tensor) -> None:
        """Computes the weights of the classes and their neighbours: [K, C], [K]."""
        super().fit(palette, prior)
        nearest, shares = soft_encoding(palette, self.neighbours, self.sigma)
        self.register_buffer("nearest", nearest, persistent=False)
        self.register_buffer("shares", shares.to(palette.dtype), persistent=False)

    def forward(self, rows: Tensor, labels: Tensor, own: Tensor) -> Tensor:
        losses = softly_encoded(rows, labels, self.nearest, self.shares)
        return losses if self.uniform == 1 else super().forward(rows, labels, losses)
