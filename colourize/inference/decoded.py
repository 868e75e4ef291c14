"""Decodes a network's scores to chroma, in numpy. K colours, C channels of the palette, h height, w width.

The same formulas as ``colour.decoding``, without torch.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colourize.errors import InputError
from colourize.inference import space
from colourize.inference.predictor import Card
from colourize.inference.space import Floats

FORMS = "argmax, mean, annealed:T, sample or sample:SEED"
WHITE = 255 / 256  # of the networks' input
SMOOTHNESS = 0.25  # sigma of the blur of a sample's noise, as a share of the shorter side
MARGIN = 4  # sigmas that the noise's knots extend beyond the border


@dataclass(frozen=True)
class Decoding:
    """How scores become colours.

    Attributes:
        kind: argmax, mean or sample. ``mean`` at temperature T is Zhang and others' annealed mean.
        temperature: > 0; the calibrated logits are divided by it.
        seed: of a sample.
    """

    kind: str
    temperature: float = 1.0
    seed: int = 0

    def __str__(self) -> str:
        """Its name on the command line."""
        if self.kind == "mean" and self.temperature != 1:
            return f"annealed:{self.temperature:g}"
        if self.kind == "sample":
            return f"sample:{self.seed}" + (f" at temperature {self.temperature:g}" if self.temperature != 1 else "")
        return self.kind


def parsed(text: str) -> Decoding:
    """The decoding of a name from the command line.

    Raises:
        InputError: an unknown name, a temperature outside [0.001, 1000], a seed that is not a whole number >= 0.
    """
    kind, colon, argument = text.partition(":")
    if kind == "annealed" and colon:
        return Decoding("mean", temperature(argument, text))
    if kind == "sample":
        return Decoding("sample", 1.0, _seed(argument, text) if colon else 0)
    if colon or kind not in ("argmax", "mean"):
        raise InputError(f"decoding must be {FORMS}, got {text!r}")
    return Decoding(kind)


def temperature(text: str, whole: str) -> float:
    """The number of a temperature in [0.001, 1000]; InputError quotes the ``whole`` argument."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 1e-3 <= value <= 1e3:
        raise InputError(f"a temperature must be in [0.001, 1000], got {whole!r}; pass for example annealed:0.4")
    return value


def _seed(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InputError(f"a seed must be a whole number of up to 19 digits, got {whole!r}; pass for example sample:1")
    return int(text)


def probabilities(logits: Floats, temperature: float = 1.0) -> Floats:
    """softmax(logits / T) over the colours: [K, h, w] -> [K, h, w]."""
    scaled = (logits - logits.max(0)) / np.float32(temperature)
    shares = np.exp(scaled, out=scaled)
    shares /= shares.sum(0)
    return shares


def entropy(logits: Floats, temperature: float = 1.0) -> Floats:
    """Entropy of the probabilities, divided by log K, its maximum: [K, h, w] -> [h, w] in [0, 1]."""
    shares = probabilities(logits, temperature)
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(0) / np.float32(math.log(max(len(logits), 2)))


def values(logits: Floats, palette: Floats, decoding: Decoding, key: bytes = b"") -> Floats:
    """Palette values of scores: calibrated logits [K, h, w], palette [K, C] -> [C, h, w].

    Args:
        logits: already divided by the network's temperature.
        palette: of the network, or another one with the same number of colours.
        decoding: how.
        key: with the seed, determines the noise of a sample; for example the picture's name.
    """
    if decoding.kind == "argmax":
        return np.moveaxis(palette[logits.argmax(0)], -1, 0)
    if decoding.kind == "sample":
        labels = (logits / np.float32(decoding.temperature) + noise(logits.shape, decoding.seed, key)).argmax(0)
        return np.moveaxis(palette[labels], -1, 0)
    return np.tensordot(palette.T, probabilities(logits, decoding.temperature), 1)


def noise(shape: tuple[int, ...], seed: int, key: bytes = b"") -> Floats:
    """Smooth Gumbel noise G, float32 [K, h, w]: argmax(logits + G) is a sample of softmax(logits).

    As in ``colour.decoding.coherent_sample``: G = -log(-log Phi(z)), where z are Gaussian fields of variance 1, blurred
    with a sigma of a quarter of the shorter side. Equal seed, key and shape give equal noise.
    """
    from scipy.special import log_ndtr  # late: only samples need SciPy

    colours, height, width = shape
    digest = hashlib.blake2b(f"{seed} ".encode() + key, digest_size=16).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
    sigma = max(SMOOTHNESS * min(height, width), 0.5)
    rows, columns = _blur(height, sigma), _blur(width, sigma)
    knots = generator.standard_normal((colours, rows.shape[1], columns.shape[1]))
    fields = np.einsum("hi,kij,wj->khw", rows, knots, columns, optimize=True)
    return (-np.log(-log_ndtr(fields))).astype(np.float32)


def _blur(side: int, sigma: float) -> NDArray[np.float64]:
    """Weights of knots, one sigma apart, for each cell of a side; their squares sum to 1: [S, knots]."""
    knots = np.arange(-MARGIN, math.ceil(side / sigma) + MARGIN + 1) * sigma
    weights = np.exp(-0.5 * ((np.arange(side)[:, None] - knots) / sigma) ** 2)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def chroma(palette_values: Floats, grey: Floats, card: Card) -> Floats:
    """CIELAB's (a, b) of palette values in a network's space: [C, h, w], grey [h, w] in [0, 1] -> [2, h, w]."""
    if card.space == "lab":
        return palette_values
    if card.space == "rgb":
        rgb = palette_values * np.float32(256 / 255)
    else:
        lightness = space.oklab_lightness(grey)
        rgb = space.of_oklab(np.stack([lightness, *palette_values]))
    return np.moveaxis(space.lab(np.moveaxis(rgb.clip(0, 1), 0, -1))[..., 1:], -1, 0)


def network_input(grey: Floats, name: str) -> Floats:
    """The network's input for sRGB greys in [0, 1]: [h, w] -> float32 [1, 1, h, w] in [0, 255/256].

    Args:
        grey: sRGB values.
        name: of the network's space: rgb, lab or oklab.
    """
    seen: NDArray[Any]
    if name == "rgb":
        seen = grey
    elif name == "lab":
        seen = space.lightness(grey) / 100
    else:
        seen = space.oklab_lightness(grey)
    return np.multiply(np.clip(seen, 0, 1), WHITE, dtype=np.float32)[None, None]
