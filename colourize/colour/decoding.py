"""Decodes class scores to colours. N images, K colours, H height, W width, C channels of the palette.

``argmax``: the most probable class. ``mean``: the palette's mean under the probabilities, with the least squared error
but dull colours. ``annealed:T``: the mean at temperature T, between the mean (T = 1) and the arg-max (T -> 0).
``sample`` and ``sample:SEED``: a draw from the probabilities in which neighbours tend to agree. With the suffix
``+grey``, pictures of rgb palettes keep the input's grey; pictures of other palettes always keep the lightness.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from colourize.colour.palette import dequantize
from colourize.colour.spaces import Decoded, Space
from colourize.errors import InputError

Values = Callable[[Tensor, Tensor, Tensor], Tensor]
SMOOTHNESS = 0.25  # sigma of the blur of the noise for samples, as a share of the shorter side
FORMS = "argmax, mean, annealed:T, sample or sample:SEED, each with or without +grey"


@dataclass(frozen=True)
class Decoding:
    """Converts scores to pictures. ``values`` takes logits [N, K, H, W], input [N, 1, H, W] and palette [K, C]."""

    name: str
    values: Values
    keeps: bool = False

    def __call__(self, logits: Tensor, lightness: Tensor, palette: Tensor, space: Space) -> Decoded:
        """The pictures, and the pixels outside the gamut."""
        decode = space.keep if self.keeps else space.decode
        return decode(lightness, self.values(logits, lightness, palette))


def most_probable(logits: Tensor, palette: Tensor) -> Tensor:
    """Palette entries of the highest scores: [N, K, H, W], [K, C] -> [N, C, H, W]."""
    return dequantize(logits.argmax(1), palette)


def colours_of_classes(labels: Tensor, lightness: Tensor, palette: Tensor, space: Space) -> Tensor:
    """Pictures in which each pixel has the colour of its class: integer [N, H, W], [N, 1, H, W], [K, C] ->
    [N, 3, H, W] in [0, 255/256]."""
    return space.decode(lightness, dequantize(labels, palette)).colours


def annealed_mean(logits: Tensor, palette: Tensor, temperature: float = 1.0) -> Tensor:
    """sum_k softmax(logits / T)_k palette_k: [N, K, H, W], [K, C] -> [N, C, H, W].

    Zhang, Isola, Efros 2016 (arXiv 1603.08511), equation 5, with T = 0.38.
    """
    scores = logits.to(torch.promote_types(logits.dtype, palette.dtype))
    shares = ((scores - scores.amax(1, keepdim=True)) / temperature).softmax(1)
    return torch.einsum("nkhw,kc->nchw", shares, palette.to(shares))


def coherent_sample(logits: Tensor, lightness: Tensor, seed: int = 0, smoothness: float = SMOOTHNESS) -> Tensor:
    """Draws labels from softmax(logits), with correlated neighbours: [N, K, H, W], [N, 1, H, W] -> int64 [N, H, W].

    Gumbel-max: arg-max of logits + G with G = -log(-log(U)), U uniform, has exactly the probabilities softmax(logits)
    (Gumbel 1954; Maddison, Tarlow, Minka 2014). Here U = Phi(z), where z is a smooth Gaussian field of variance 1 for
    each class. So the probabilities at a pixel do not change, but neighbours have similar noise and tend to have the
    same class. ``smoothness`` is a share of the shorter side; with 0, pixels are independent. The noise of a picture
    depends only on the seed and the picture, not on its batch.
    """
    sigma = smoothness * min(logits.shape[-2:])
    sampled = []
    for scores, picture in zip(logits, lightness, strict=True):
        noise = smooth_noise(scores.shape, sigma, _generator(picture, seed)).to(scores.device)
        sampled.append((scores.to(noise.dtype) + gumbel(noise)).argmax(0))
    return torch.stack(sampled)


def smooth_noise(shape: tuple[int, ...], sigma: float, generator: torch.Generator) -> Tensor:
    """Gaussian fields of variance 1 at every pixel: float32 [K, H, W].

    White noise on a grid of knots at distances of ``sigma`` pixels, blurred by a Gaussian of this sigma and normalized
    to variance 1. Two pixels at distance d correlate by exp(-d^2 / (4 sigma^2)), and a field needs few random numbers.
    """
    classes, height, width = shape
    if sigma < 0.5:
        return torch.randn(shape, generator=generator)
    rows, columns = _blur(height, sigma), _blur(width, sigma)
    noise = torch.randn(classes, rows.shape[1], columns.shape[1], generator=generator)
    return torch.einsum("hi,kij,wj->khw", rows, noise, columns)


def _blur(size: int, sigma: float) -> Tensor:
    """Weights of the knots for each pixel of a side; their squares sum to 1: [S, knots]."""
    knots = torch.arange(-4, math.ceil(size / sigma) + 5) * sigma
    weights = torch.exp(-0.5 * ((torch.arange(size)[:, None] - knots) / sigma) ** 2)
    return weights / weights.norm(dim=1, keepdim=True)


def gumbel(normal: Tensor) -> Tensor:
    """Maps standard normal values to standard Gumbel values, monotonically: -log(-log Phi(z)), elementwise."""
    return -(-torch.special.log_ndtr(normal)).log()


def _generator(picture: Tensor, seed: int) -> torch.Generator:
    content = picture.float().cpu().contiguous().numpy().tobytes()
    digest = hashlib.blake2b(f"{seed} ".encode() + content, digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest) >> 1)


def parsed(text: str) -> Decoding:
    """The decoding of a name on the command line, such as "annealed:0.4".

    Raises:
        InputError: the name is unknown, the temperature is not > 0, or the seed is not a natural number.
    """
    body, plus, kept = text.partition("+")
    kind, colon, argument = body.partition(":")
    unknown = InputError(f"decoding {text} is unknown; pass {FORMS}")
    if plus and kept != "grey":
        raise unknown
    values: Values
    match kind, colon:
        case ("argmax", ""):
            values = _argmax
        case ("mean", ""):
            values = _annealed(1.0)
        case ("annealed", ":"):
            values = _annealed(_temperature(text, argument))
        case ("sample", _):
            values = _sample(_seed(text, argument) if colon else 0)
        case _:
            raise unknown
    return Decoding(text, values, bool(plus))


def _argmax(logits: Tensor, lightness: Tensor, palette: Tensor) -> Tensor:
    return most_probable(logits, palette)


def _annealed(temperature: float) -> Values:
    return lambda logits, lightness, palette: annealed_mean(logits, palette, temperature)


def _sample(seed: int) -> Values:
    return lambda logits, lightness, palette: dequantize(coherent_sample(logits, lightness, seed), palette)


def _temperature(text: str, argument: str) -> float:
    try:
        temperature = float(argument)
    except ValueError:
        temperature = math.nan
    if not 0 < temperature < math.inf:
        raise InputError(
            f"decoding {text}: the temperature must be > 0 and finite; pass annealed:0.4, for example, or argmax"
        )
    return temperature


def _seed(text: str, argument: str) -> int:
    if not (argument.isascii() and argument.isdigit() and len(argument) < 20):
        raise InputError(
            f"decoding {text}: the seed must be a number of up to 19 digits; pass sample:1, for example, or sample"
        )
    return int(argument)
