"""Degrades inputs to look like scans of old photographs: blurred, faded, grainy, scratched, compressed.

Labels come from the clean pictures. N pictures, H height, W width. Greys are float [N, 1, H, W] in [0, 255/256]. The
functions get their random numbers as arguments; ``aged`` draws them from torch's CPU generator, which a run seeds in
every step.
"""

import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from colourize.colour.spaces import WHITE
from colourize.data.crops import Crops
from colourize.errors import InputError

REACH = 4  # pixels: radius of the blur's kernel
CHANCE = 0.6  # probability of each degradation of a degraded picture


def blurred(grey: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with one sigma per picture; the border is replicated: [N, 1, H, W], [N] pixels -> [N, 1, H, W]."""
    steps = torch.arange(-REACH, REACH + 1, device=grey.device, dtype=grey.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma.to(grey).clamp(min=1e-3)[:, None]) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    side = 2 * REACH + 1
    planes = F.pad(grey.transpose(0, 1), (REACH,) * 4, mode="replicate")
    rows = F.conv2d(planes, kernel.view(-1, 1, side, 1), groups=len(grey))
    return F.conv2d(rows, kernel.view(-1, 1, 1, side), groups=len(grey)).transpose(0, 1)


def faded(grey: Tensor, black: Tensor, white: Tensor) -> Tensor:
    """Reduces contrast: maps 0 to ``black`` and 1 to ``white``: [N, 1, H, W], [N], [N] -> [N, 1, H, W]."""
    low, high = (each.to(grey).view(-1, 1, 1, 1) for each in (black, white))
    return low * WHITE + (high - low) * grey


def grained(grey: Tensor, noise: Tensor, strength: Tensor) -> Tensor:
    """Adds film grain, strongest in the middle greys: [N, 1, H, W], noise of the same shape, [N] -> [N, 1, H, W]."""
    middle = 4 * grey * (1 - grey)
    return (grey + strength.to(grey).view(-1, 1, 1, 1) * (0.3 + 0.7 * middle) * noise.to(grey)).clamp(0, WHITE)


def scratched(grey: Tensor, at: Tensor, slant: Tensor, light: Tensor) -> Tensor:
    """Adds a scratch from top to bottom, one pixel wide with soft sides: [N, 1, H, W], three [N] -> [N, 1, H, W].

    Args:
        grey: the pictures.
        at: position of its top, as a share of the width.
        slant: horizontal distance from top to bottom, as a share of the width.
        light: its grey, in [0, 1].
    """
    height, width = grey.shape[-2:]
    rows, columns = torch.linspace(0, 1, height)[None, :, None], torch.arange(width)[None, None]
    centre = width * (at[:, None, None] + slant[:, None, None] * rows)
    cover = (1 - (columns - centre).abs()).clamp(0, 1)[:, None].to(grey)
    return grey + cover * (light.to(grey).view(-1, 1, 1, 1) * WHITE - grey)


def dusted(grey: Tensor, places: Tensor, radius: Tensor, light: Tensor) -> Tensor:
    """Adds a round grain of dust: [N, 1, H, W], (row, column) as shares of the sides [N, 2], radius in pixels [N],
    grey [N] -> [N, 1, H, W]."""
    height, width = grey.shape[-2:]
    rows, columns = torch.arange(height)[None, :, None], torch.arange(width)[None, None]
    away = torch.hypot(rows - height * places[:, :1, None], columns - width * places[:, 1:, None])
    cover = (radius[:, None, None] + 0.5 - away).clamp(0, 1)[:, None].to(grey)
    return grey + cover * (light.to(grey).view(-1, 1, 1, 1) * WHITE - grey)


def compressed(grey: Tensor, quality: Tensor) -> Tensor:
    """JPEG compression: [N, 1, H, W], quality int64 [N] in 1 ... 100, or 0 for no compression -> [N, 1, H, W]."""
    out = grey.clone()
    for index in quality.nonzero()[:, 0].tolist():
        levels = (grey[index, 0] * 256).round().clamp(0, 255).byte().cpu().numpy()
        buffer = io.BytesIO()
        Image.fromarray(levels).save(buffer, "JPEG", quality=int(quality[index]))
        out[index, 0] = torch.from_numpy(np.array(Image.open(buffer))).to(grey) / 256
    return out


def aged(grey: Tensor, strength: float = 1.0) -> Tensor:
    """Applies each degradation with probability ``CHANCE``: [N, 1, H, W] -> the same shape.

    The order is the physical one: blur of the lens, grain and fading of the film, scratches and dust, JPEG.
    """
    count = len(grey)

    def drawn(low: float, high: float) -> Tensor:
        return torch.empty(count).uniform_(low, high)

    def some(values: Tensor, chance: float = CHANCE) -> Tensor:
        return torch.where(torch.rand(count) < chance, strength * values, 0.0)

    grey = blurred(grey, some(drawn(0.3, 1.5)))
    noise = torch.randn(grey.shape)
    grey = grained(grey, blurred(noise, drawn(0.2, 0.8)), some(drawn(0.02, 0.12)))
    grey = faded(grey, some(drawn(0, 0.25)), 1 - some(drawn(0, 0.3)))
    for _ in range(2):
        at, slant = drawn(0, 1), drawn(-0.1, 0.1)
        at = torch.where(some(torch.ones(count), 0.3) > 0, at, torch.tensor(-9.0))  # outside of the picture
        grey = scratched(grey, at, slant, (torch.rand(count) < 0.8).float())
    for _ in range(4):
        radius = torch.where(some(torch.ones(count), 0.3) > 0, drawn(0, 1.5), torch.tensor(-9.0))
        grey = dusted(grey, torch.rand(count, 2), radius, (torch.rand(count) < 0.7).float())
    quality = torch.where(some(torch.ones(count)) > 0, torch.randint(30, 90, (count,)), 0)
    return compressed(grey.clamp(0, WHITE), quality)


@dataclass(frozen=True)
class Old(Crops):
    """Crops, a share of them degraded like scans of old photographs. The labels come from the clean crops.

    Args:
        share: share of degraded pictures, in [0, 1].
        strength: strength of the degradations, in [0, 1].

    Raises:
        InputError: a value is out of its range.
    """

    share: float = 0.5
    strength: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("share", "strength"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise InputError(f"augment.{name} must be in [0, 1], got {value}; pass augment.{name}=1 or less")

    def degraded(self, grey: Tensor) -> Tensor:
        """Degrades the input of a batch: [N, 1, H, W] in [0, 255/256] -> the same shape and range."""
        chosen = (torch.rand(len(grey)) < self.share).nonzero()[:, 0].to(grey.device)
        if not len(chosen):
            return grey
        with torch.autocast(grey.device.type, enabled=False):  # because a step in mixed precision also calls this
            return grey.index_copy(0, chosen, aged(grey[chosen], self.strength).to(grey.dtype))
