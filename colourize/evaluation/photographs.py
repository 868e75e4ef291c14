"""Measures on photographs of any size, without a square crop.

Two figures summarize a network: the PSNR of the mean of its classes above that of the untouched grey, in dB; and the
colourfulness of its pictures, as a share of the truth, where their PSNR has fallen to the grey's. There are two ways
there: a falling temperature T of the annealed mean, or a growing saturation, which multiplies the chroma of the mean.
N photographs, K colours.
"""

import math
from typing import NamedTuple

from torch import Tensor

from colourize.evaluation.photograph_floors import TABLE

TEMPERATURES = 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1
SATURATIONS = 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0
GREY, MEAN, BLOCKS = "grey", "mean", "blocks"


class Floor(NamedTuple):
    """A predictor without a network: PSNR in dB and colourfulness of its mean colours, cross-entropy in nats; [N] each.

    The cross-entropy is NaN for a predictor without probabilities.
    """

    psnr: Tensor
    colourfulness: Tensor
    loss: Tensor


class Photographs(NamedTuple):
    """Measures of N photographs by T temperatures and M saturations; PSNR in dB, cross-entropies in nats per label.

    Attributes:
        temperatures: T of them, falling from 1.
        psnr, colourfulness: by temperature, float64 [N, T].
        saturated_psnr, saturated_colourfulness: by ``SATURATIONS`` of the mean of the classes, float64 [N, M].
        grey: PSNR of the untouched grey, [N].
        truth: colourfulness of the photographs, [N].
        loss: cross-entropy of the network, [N].
        bins: shares of a photograph's labels in each bin of confidence, [N, B, 3] (``metrics.calibration_bins``).
        errors: mean error in CIELAB's (a, b) over all pixels and over edges (``bleeding``), [N, 2] each: of the grey,
            of the mean colours, and of the true mean colours of the network's blocks.
        floors: by name; none without floors.
        sampled: logits [M, K] and labels [M] of some blocks of each photograph.
        unreadable: files that were left out, with the reason.
    """

    temperatures: tuple[float, ...]
    psnr: Tensor
    colourfulness: Tensor
    saturated_psnr: Tensor
    saturated_colourfulness: Tensor
    grey: Tensor
    truth: Tensor
    loss: Tensor
    bins: Tensor
    errors: dict[str, Tensor]
    floors: dict[str, Floor]
    sampled: list[tuple[Tensor, Tensor]]
    unreadable: list[tuple[str, str]]

    @property
    def gain(self) -> float:
        """Mean PSNR at T = 1 above the untouched grey's, dB."""
        return float((self.psnr[:, 0] - self.grey).mean())

    @property
    def ratio(self) -> float:
        """Colourfulness, as a share of the truth's, at the temperature where the mean PSNR equals the grey's."""
        return self._crossing(self.psnr, self.colourfulness)

    @property
    def saturated_ratio(self) -> float:
        """Colourfulness, as a share of the truth's, at the saturation where the mean PSNR equals the grey's."""
        return self._crossing(self.saturated_psnr, self.saturated_colourfulness)

    def _crossing(self, psnr: Tensor, colourfulness: Tensor) -> float:
        return crossing((psnr - self.grey[:, None]).mean(0), colourfulness.mean(0) / self.truth.mean())

    def skill(self, floor: str = TABLE) -> float:
        """1 - mean cross-entropy / that of a floor; NaN without it."""
        return float(1 - self.loss.mean() / self.floors[floor].loss.mean()) if floor in self.floors else math.nan


def crossing(gains: Tensor, ratios: Tensor) -> float:
    """The ratio at which a falling gain is 0: two [T] -> a number; linear between the points.

    0 where even the first gain is negative, since the grey itself is better; the last ratio where all are positive.
    """
    below = (gains < 0).nonzero()
    if not len(below):
        return float(ratios[-1])
    first = int(below[0])
    if not first:
        return 0.0
    share = gains[first - 1] / (gains[first - 1] - gains[first])
    return float(ratios[first - 1] + share * (ratios[first] - ratios[first - 1]))
