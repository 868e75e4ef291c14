"""Temperature scaling: one number for how far a network's certainty is to be believed. N pictures, K colours, P pixels.

Guo, Pleiss, Sun, Weinberger 2017, section 4.2: probabilities softmax(logits / T), T fitted by cross-entropy on pictures
that were not trained on. T > 1 where the network was too sure; the most probable colour stays the same.
"""

import hashlib
import json
from pathlib import Path

from scipy.optimize import brentq
from torch import Tensor, nn

from colourize import files
from colourize.errors import InputError

LEAST, MOST = 0.01, 100.0  # temperatures that are looked at
VALUES = 1 << 21  # logits that are exponentiated at once


class Tempered(nn.Module):
    """A network with its logits [N, K, H, W] divided by a temperature > 0."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, grey: Tensor) -> Tensor:
        return self.network(grey) / self.temperature


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature at which softmax(logits / T) has the lowest mean cross-entropy: [P, K], [P] int64 -> T.

    The cross-entropy is convex in 1/T (a log-sum-exp of linear functions less a linear one), so its slope has one zero,
    which Brent's method brackets.

    Raises:
        InputError: logits that are not finite, or no lowest value at a temperature from 0.01 to 100.
    """
    if not bool(logits.isfinite().all()):
        raise InputError("the network has diverged: its logits are not finite; calibrate a checkpoint from before that")
    if slope(logits, labels, 1 / MOST) >= 0:
        raise InputError(
            "no temperature is best: the network's certainty says nothing of the colours of pictures it was not "
            "trained on; train it longer, or with another lr"
        )
    if slope(logits, labels, 1 / LEAST) <= 0:
        raise InputError(
            f"no temperature is best: the most probable colour is right on all {len(labels)} pixels, or nearly; pass "
            "a run with more pictures held out"
        )
    inverse: float = brentq(lambda inverse: slope(logits, labels, inverse), 1 / MOST, 1 / LEAST, xtol=1e-9)
    return 1 / inverse


def slope(logits: Tensor, labels: Tensor, inverse: float) -> float:
    """Derivative of the mean cross-entropy of softmax(b logits) by b = ``inverse`` = 1/T: [P, K], [P] -> a number.

    mean over pixels of sum_k p_k z_k - z_label: what the network expects of a pixel's logit, less what it is.
    """
    total = 0.0
    rows = max(1, VALUES // logits.shape[1])
    for z, label in zip(logits.split(rows), labels.split(rows), strict=True):
        expected = ((inverse * z).softmax(1) * z).sum(1)
        total += (expected - z.gather(1, label[:, None])[:, 0]).double().sum().item()
    return total / len(labels)


def beside(checkpoint: Path) -> Path:
    """Where the temperature of a checkpoint's network stands: ``last.temperature.json`` beside ``last.ckpt``."""
    return checkpoint.with_suffix(".temperature.json")


def write_temperature(checkpoint: Path, temperature: float, num_pictures: int) -> Path:
    """Writes a temperature beside the checkpoint for whose weights, and no others, it holds; returns the file."""
    contents = {"temperature": temperature, "num_pictures": num_pictures, "checkpoint": _digest(checkpoint)}
    files.replace_text(beside(checkpoint), json.dumps(contents, indent=1) + "\n")
    return beside(checkpoint)


def read_temperature(checkpoint: Path) -> float:
    """The temperature that was fitted to a checkpoint.

    Raises:
        InputError: none was, or to other weights than it holds now, or the file is damaged.
    """
    path, remedy = beside(checkpoint), f"colourize calibrate {checkpoint}"
    try:
        contents = files.read_json(path)
        temperature, digest = float(contents["temperature"]), contents["checkpoint"]
    except FileNotFoundError as error:
        raise InputError(f"{checkpoint} has no fitted temperature; run {remedy}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged; run {remedy} again") from error
    if not LEAST <= temperature <= MOST:
        raise InputError(f"{path} is damaged: its temperature is {temperature}; run {remedy} again")
    if digest != _digest(checkpoint):
        raise InputError(f"{path} was fitted to other weights than {checkpoint} holds now; run {remedy} again")
    return temperature


def _digest(checkpoint: Path) -> str:
    with checkpoint.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
