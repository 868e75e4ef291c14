"""Temperature scaling of a network's probabilities. N pictures, K colours, P pixels, H height, W width.

Guo, Pleiss, Sun, Weinberger 2017, section 4.2: probabilities are softmax(logits / T), with T fitted by cross-entropy on
held-out pictures. T > 1 means that the network was overconfident. The most probable colour does not change.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from scipy.optimize import brentq
from torch import Tensor, nn

from colourize.errors import InputError
from colourize.evaluation import metrics
from colourize.runs.temperature import LEAST, MOST

VALUES = 1 << 21  # logits processed at once, which bounds the memory


class Calibration(NamedTuple):
    """The calibration of probabilities without and with a temperature, measured on pictures that did not fit it.

    Attributes:
        temperature: T, fitted by cross-entropy.
        ece: calibration error at T = 1 and at T, in [0, 1].
        loss: cross-entropy at T = 1 and at T, nats per label.
    """

    temperature: float
    ece: tuple[float, float]
    loss: tuple[float, float]


class Tempered(nn.Module):
    """A network with its logits [N, K, H, W] divided by a temperature > 0."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature
        self.stride = getattr(network, "stride", 1)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, 1, H, W] in [0, 1) -> logits [N, K, H, W]."""
        return self.network(grey) / self.temperature


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The T with the lowest mean cross-entropy of softmax(logits / T): [P, K], int64 [P] -> T in [0.01, 100].

    The cross-entropy is convex in 1/T, as a log-sum-exp of linear functions minus a linear function. Its slope
    therefore has one zero, which Brent's method finds.

    Raises:
        InputError: logits that are not finite, or no minimum in [0.01, 100].
    """
    if not bool(logits.isfinite().all()):
        raise InputError("the network has diverged: its logits are not finite; pass an earlier checkpoint")
    if slope(logits, labels, 1 / MOST) >= 0:
        raise InputError(
            "no temperature is best: the network's confidence is unrelated to the colours of held-out pictures; "
            "train it longer, or with another lr"
        )
    if slope(logits, labels, 1 / LEAST) <= 0:
        raise InputError(
            f"no temperature is best: the most probable colour is right on (nearly) all {len(labels)} pixels; pass a "
            "run with more held-out pictures"
        )
    inverse: float = brentq(lambda inverse: slope(logits, labels, inverse), 1 / MOST, 1 / LEAST, xtol=1e-9)
    return 1 / inverse


def slope(logits: Tensor, labels: Tensor, inverse: float) -> float:
    """Derivative of the mean cross-entropy of softmax(b z) by b = ``inverse`` = 1/T: [P, K], [P] -> scalar.

    Mean over pixels of sum_k p_k z_k - z_label, where z are the logits and p = softmax(b z).
    """
    total = 0.0
    rows = max(1, VALUES // logits.shape[1])
    for z, label in zip(logits.split(rows), labels.split(rows), strict=True):
        expected = ((inverse * z).softmax(1) * z).sum(1)
        total += (expected - z.gather(1, label[:, None])[:, 0]).double().sum().item()
    return total / len(labels)


def halves(sampled: Sequence[tuple[Tensor, Tensor]], num_bins: int = 15) -> Calibration | None:
    """A temperature fitted to every second picture, and the calibration of the others without and with it.

    Args:
        sampled: logits [M, K] and labels [M] of some labels of each picture.
        num_bins: of the calibration error.

    Returns:
        None for fewer than two pictures, and where no temperature is best (``fit_temperature``).
    """
    if len(sampled) < 2:
        return None
    (logits, labels), (others, truth) = (map(torch.cat, zip(*sampled[half::2], strict=True)) for half in (0, 1))
    try:
        temperature = fit_temperature(logits, labels)
    except InputError:
        return None
    ece, loss = [], []
    for factor in (1.0, temperature):
        scaled, true = (others / factor).T[None, :, :, None], truth[None, :, None]
        ece.append(float(metrics.ece(metrics.calibration_bins(scaled, true, num_bins)[0])))
        loss.append(float(metrics.cross_entropy(scaled, true)[0]))
    return Calibration(temperature, (ece[0], ece[1]), (loss[0], loss[1]))
