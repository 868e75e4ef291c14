"""Colour spaces of the classes: define the network's input, the palette's points, and pictures from both.

N images, H height, W width, K colours, C channels of a palette, U colours. A network's input is float32 [N, 1, H, W] in
[0, 255/256]: mean(R, G, B) / 256 in rgb, the lightness in other spaces, white at 255/256. Decoded pictures have the
same scale (``rgb.scaled``), so that ``rgb.eight_bit`` gives their 8-bit values.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.colour import lab
from colourize.colour import rgb as colour
from colourize.colour.rgb import LEVELS

WHITE = (LEVELS - 1) / LEVELS  # on the scale of the networks' input and of the pictures
FEW = 1 << 19  # up to this many pixels, direct conversion is faster than a table of colours
STEPS = 16  # steps of the bisection: relative precision of the chroma 2**-16
SRGB_CODES = lab.srgb_to_linear(torch.arange(LEVELS, dtype=torch.float64) / (LEVELS - 1)).float()  # in linear RGB
INSIDE = 1e-4  # tolerance of sRGB around [0, 1]: a fortieth of an 8-bit level


class Decoded(NamedTuple):
    """Pictures [N, 3, H, W] in [0, 255/256], and which pixels were desaturated to fit the gamut, bool [N, H, W]."""

    colours: Tensor
    outside: Tensor | None = None


class Space(ABC):
    """The parts that differ between colour spaces.

    Attributes:
        name: value of the knob ``colour_space``.
        channels: C.
        called: plural noun for a palette's entries.
        low, high: their range; ``rule`` states it in words.
        coarse_bits: bits per channel of the histogram on which k-means starts.
        keeps: whether every decoding keeps the input's lightness.
    """

    name: str
    channels: int
    called: str
    low: float
    high: float
    rule: str
    coarse_bits: int
    keeps: bool

    @abstractmethod
    def lightness(self, images: Tensor) -> Tensor:
        """The networks' input: uint8 [N, H, W, 3] -> float32 [N, 1, H, W] in [0, 255/256]."""

    @abstractmethod
    def points(self, colours: Tensor) -> Tensor:
        """The points that the palette quantizes: uint8 [U, 3] -> float64 [U, C]."""

    @abstractmethod
    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """``lightness`` and ``points`` of each pixel together, in single precision, for batches.

        uint8 [N, H, W, 3] -> float32 [N, 1, H, W] in [0, 255/256], float32 [N, C, H, W].
        """

    @abstractmethod
    def distinct(self, colours: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Distinct points and their weights, for k-means: uint8 [U, 3], [U] -> float64 [P, C], [P]."""

    @abstractmethod
    def decode(self, lightness: Tensor, values: Tensor) -> Decoded:
        """Pictures from the input [N, 1, H, W] and palette entries [N, C, H, W], or [N, C, h, w], then ``enlarged``."""

    @abstractmethod
    def keep(self, lightness: Tensor, values: Tensor) -> Decoded:
        """``decode``, but the picture keeps the input's lightness, to within one level of 8-bit grey."""

    @abstractmethod
    def neutral(self, lightness: Tensor) -> Tensor:
        """The untouched grey picture: [N, 1, H, W] -> [N, 1, H, W] in [0, 255/256]."""

    @abstractmethod
    def greyest(self, lightness: Tensor, palette: Tensor) -> Tensor:
        """The class nearest to the untouched grey: [N, 1, H, W], [K, C] -> int64 [N, H, W]."""

    def unit(self, points: Tensor) -> Tensor:
        """Points scaled from their range to [0, 1]."""
        return (points - self.low) / (self.high - self.low)


class Rgb(Space):
    """The course's space: a class is a complete colour with its brightness; pictures need not keep the input's grey."""

    name, channels, called = "rgb", 3, "colours"
    low, high, rule = 0.0, 1.0, "colours are floats in [0, 1]: divide 8-bit values by 256"
    coarse_bits, keeps = 6, False

    def lightness(self, images: Tensor) -> Tensor:
        return colour.grey(images)

    def points(self, colours: Tensor) -> Tensor:
        return colours.double() / LEVELS

    def distinct(self, colours: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        return self.points(colours), weights

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return colour.grey(images), colour.scaled(images).movedim(-1, 1)

    def decode(self, lightness: Tensor, values: Tensor) -> Decoded:
        return Decoded(enlarged(values, lightness))

    def keep(self, lightness: Tensor, values: Tensor) -> Decoded:
        """Shifts colours along the grey axis until mean(R, G, B) is the input's grey g: g + d with mean(d) = 0. The
        result is g + s d with the largest s <= 1 for which every channel is in [0, 255/256]."""
        grey, values = lightness.clamp(0, WHITE), enlarged(values, lightness)
        offset = values - values.mean(1, keepdim=True)
        room = torch.where(offset > 0, WHITE - grey, grey)
        share = torch.where(offset.abs() > room, room / offset.abs(), 1.0).amin(1, keepdim=True)
        return Decoded((grey + share * offset).clamp(0, WHITE), share[:, 0] < 1)

    def neutral(self, lightness: Tensor) -> Tensor:
        return lightness

    def greyest(self, lightness: Tensor, palette: Tensor) -> Tensor:
        return (lightness - palette.mean(1).view(1, -1, 1, 1)).abs().argmin(1)


class Chroma(Space):
    """The input is the lightness L, the palette quantizes the other two channels (a, b), and every decoding keeps L.

    If (L, a, b) is outside the sRGB gamut, (s a, s b) replaces (a, b), with the largest s that fits, found by
    bisection: lightness and hue angle do not change. (One ray in two thousand, near blue in oklab and yellow in lab,
    leaves and enters the gamut again; there s is one of the borders.)

    Args:
        scale: L of white.
        reach: the range of a and b is [-reach, reach].
        of_rgb: sRGB in [0, 1] -> (L, a, b), [..., 3, H, W] both.
        of_linear: the same for linear RGB, in the precision of its argument.
        to_rgb: the inverse of ``of_rgb``; ``clamp=False`` does not clamp.
    """

    channels, called, keeps = 2, "chromas (a, b)", True
    coarse_bits = 9
    merged = 4096  # k-means merges chromas within 1/4096 of the range, for example all greys

    def __init__(
        self,
        name: str,
        scale: float,
        reach: float,
        of_rgb: Callable[[Tensor], Tensor],
        of_linear: Callable[[Tensor], Tensor],
        to_rgb: Callable[..., Tensor],
    ) -> None:
        self.name, self.scale = name, scale
        self.low, self.high = -reach, reach
        self.rule = f"chromas (a, b) are floats in [{-reach:g}, {reach:g}]"
        self.of_rgb, self.of_linear, self.to_rgb = of_rgb, of_linear, to_rgb

    def _lab(self, colours: Tensor) -> Tensor:
        """uint8 [U, 3] -> float64 [U, 3]."""
        parts = [self.of_rgb(part.double().T[:, :, None] / 255)[:, :, 0].T for part in colours.split(1 << 18)]
        return torch.cat(parts)

    def lightness(self, images: Tensor) -> Tensor:
        pixels = images.flatten(0, -2)
        if len(pixels) <= FEW:
            return self._lightness(pixels).float().view(images.shape[:-1]).unsqueeze(1)
        return torch.cat(list(colour.per_colour(images, self._lightness, torch.float32))).unsqueeze(1)

    def _lightness(self, colours: Tensor) -> Tensor:
        return self._lab(colours)[:, 0].clamp(0, self.scale) * WHITE / self.scale

    def points(self, colours: Tensor) -> Tensor:
        return self._lab(colours)[:, 1:]

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = self.of_linear(SRGB_CODES.to(images.device)[images.movedim(-1, 1).int()])
        return pixels[:, :1].clamp(0, self.scale) * (WHITE / self.scale), pixels[:, 1:]

    def distinct(self, colours: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        points = self.points(colours)
        cells = (self.unit(points) * self.merged).round().long()
        _, cell = (cells[:, 0] * (self.merged + 1) + cells[:, 1]).unique(return_inverse=True)
        mass = cell.bincount(weights)
        means = [cell.bincount(weights * channel) / mass for channel in points.unbind(1)]
        return torch.stack(means, dim=1), mass

    def decode(self, lightness: Tensor, values: Tensor) -> Decoded:
        return self.keep(lightness, values)

    def keep(self, lightness: Tensor, values: Tensor) -> Decoded:
        light = (lab.precise(lightness) / WHITE).clamp(0, 1) * self.scale
        pixels = torch.cat((light, enlarged(values.to(light), lightness)), dim=1).movedim(1, 0)  # [3, N, H, W]
        rgb = self._rgb(pixels)
        outside = ~_inside(rgb)
        rgb[:, outside] = self._fitted(pixels[:, outside])
        colours = rgb.movedim(0, 1).clamp(0, 1) * WHITE
        return Decoded(colours.to(torch.promote_types(lightness.dtype, torch.float32)), outside)

    def _rgb(self, pixels: Tensor) -> Tensor:
        """(L, a, b) -> sRGB, not clamped to [0, 1]: [3, ...] -> [3, ...]."""
        return self.to_rgb(pixels.reshape(3, -1, 1), clamp=False).view_as(pixels)

    def _fitted(self, pixels: Tensor) -> Tensor:
        """sRGB of the pixels with the largest share of their chroma that fits the gamut: [3, P] -> [3, P]."""
        light, chroma = pixels[:1], pixels[1:]
        fits, fails = torch.zeros_like(light[0]), torch.ones_like(light[0])
        for _ in range(STEPS):
            share = (fits + fails) / 2
            inside = _inside(self._rgb(torch.cat((light, share * chroma))))
            fits, fails = torch.where(inside, share, fits), torch.where(inside, fails, share)
        return self._rgb(torch.cat((light, fits * chroma)))

    def neutral(self, lightness: Tensor) -> Tensor:
        light = (lab.precise(lightness) / WHITE).clamp(0, 1) * self.scale
        rgb = self._rgb(torch.cat((light, torch.zeros_like(light), torch.zeros_like(light)), dim=1).movedim(1, 0))
        return (rgb.mean(0)[:, None].clamp(0, 1) * WHITE).to(lightness.dtype)

    def greyest(self, lightness: Tensor, palette: Tensor) -> Tensor:
        return palette.norm(dim=1).argmin().expand(len(lightness), *lightness.shape[2:])


def enlarged(values: Tensor, lightness: Tensor) -> Tensor:
    """Interpolates values of blocks to pixels: [N, C, h, w], [N, 1, H, W] -> [N, C, H, W].

    Bilinear between the blocks' centres; unchanged if h, w = H, W.
    """
    size = lightness.shape[-2:]
    return values if values.shape[-2:] == size else F.interpolate(values, size=size, mode="bilinear")


def _inside(rgb: Tensor) -> Tensor:
    """Whether colours are inside the gamut: [3, ...] -> bool [...]."""
    return ((rgb >= -INSIDE) & (rgb <= 1 + INSIDE)).all(0)


RGB = Rgb()
SPACES: dict[str, Space] = {
    space.name: space
    for space in (
        RGB,
        Chroma("lab", 100.0, 128.0, lab.rgb_to_lab, lab.linear_to_lab, lab.lab_to_rgb),
        Chroma("oklab", 1.0, 0.4, lab.rgb_to_oklab, lab.linear_to_oklab, lab.oklab_to_rgb),
    )
}
