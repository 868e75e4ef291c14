"""ResUNet: a residual U-Net whose scores are read off beside the full-resolution grey. Ours."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.colour.hints import CHANNELS
from colourize.errors import InputError
from colourize.models.blocks import SameConv2d, conv, padded


class Residual(nn.Module):
    """x + two convolutions of it (He and others 2016, arXiv 1512.03385, with the activation after the sum)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.first = conv(channels, channels, kernel)
        self.second = nn.Sequential(SameConv2d(channels, channels, kernel), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return F.relu(x + self.second(self.first(x)))


class Waves(nn.Module):
    """A grey as sines and cosines of it: [N, 1, H, W] -> [N, 1 + 2F, H, W], frequencies pi, 2 pi, ... F pi.

    Fourier features (Tancik and others 2020, arXiv 2006.10739), as in NeRF's positional encoding (Mildenhall and others
    2020, arXiv 2003.08934, equation 4), but with frequencies evenly spaced where there they double. In them
    neighbouring grey levels lie apart: a layer over pixels can tell what the look-up table can.
    """

    frequencies: Tensor

    def __init__(self, num_frequencies: int) -> None:
        super().__init__()
        waves = math.pi * torch.arange(1, num_frequencies + 1, dtype=torch.float32)
        self.register_buffer("frequencies", waves.view(1, -1, 1, 1), persistent=False)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, 1, H, W] -> [N, 1 + 2F, H, W]."""
        phase = self.frequencies * grey
        return torch.cat((2 * grey - 1, phase.sin(), phase.cos()), dim=1)


class ResUNet(nn.Module):
    """Grey to class scores over levels of halved sides; the last layers see each pixel's grey beside its surroundings.

    The course's networks throw the full-resolution grey away in their first step, which is why a look-up table from
    grey to colour beats them. Any size: sides are padded to a multiple of m = 2^(levels - 1), to 2m at least, so that
    the lowest level has four pixels and batch norm a spread even in a single picture; the result is cropped.

    Args:
        num_filters: NF; level l has ``widths[l]`` * NF channels.
        num_colours: K.
        kernel: side of the residual blocks' convolutions.
        widths: channels of each level, in multiples of NF.
        blocks: residual blocks on the way down at each level.
        head: channels of the layer before the scores, in multiples of NF.
        num_frequencies: of the grey, see ``Waves``.
        hints: whether colours given at some places are taken too, see ``colourize.colour.hints``.

    Raises:
        InputError: no level, another number of ``blocks`` than of ``widths``, or a value that is too small.
    """

    def __init__(
        self,
        num_filters: int,
        num_colours: int,
        kernel: int = 3,
        widths: Sequence[float] = (1, 2, 4, 6),
        blocks: Sequence[int] = (1, 1, 1, 2),
        head: int = 2,
        num_frequencies: int = 8,
        hints: bool = False,
    ) -> None:
        super().__init__()
        _check(widths, blocks, head, num_frequencies)
        sizes = [max(1, round(width * num_filters)) for width in widths]
        self.multiple = 2 ** (len(sizes) - 1)
        self.hints, self.blocks = hints, tuple(blocks)
        self.stem = conv(1 + CHANNELS * hints, sizes[0], kernel)
        self.levels = nn.ModuleList(
            nn.Sequential(*(Residual(size, kernel) for _ in range(count)))
            for size, count in zip(sizes, blocks, strict=True)
        )
        self.down = nn.ModuleList(halved(fine, coarse) for fine, coarse in pairwise(sizes))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(coarse, fine, 1), nn.Upsample(scale_factor=2, mode="bilinear"))
            for fine, coarse in pairwise(sizes)
        )
        self.joined = nn.ModuleList(conv(2 * size, size, kernel) for size in sizes[:-1])
        self.waves = Waves(num_frequencies)
        self.head = conv(sizes[0] + 1 + 2 * num_frequencies, head * num_filters, 1)
        self.scores = nn.Conv2d(head * num_filters, num_colours, 1)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, 1, H, W] in [0, 1), with hints [N, 5, H, W] or as many without any -> logits [N, K, H, W]."""
        full = padded(grey, self.multiple, least=2 * self.multiple)
        if self.hints and full.shape[1] == 1:
            full = F.pad(full, (0, 0, 0, 0, 0, CHANNELS))
        x, skips = self.stem(2 * full - 1), []
        for count, level, down in zip(self.blocks, self.levels, self.down, strict=False):
            skips.append(level(x) if count else x)
            x = down(skips[-1])
        x = self.levels[-1](x) if self.blocks[-1] else x
        for up, joined in zip(reversed(self.up), reversed(self.joined), strict=True):
            x = joined(torch.cat((up(x), skips.pop()), dim=1))
        x = self.head(torch.cat((x, self.waves(full[:, :1])), dim=1))
        return self.scores(x)[..., : grey.shape[-2], : grey.shape[-1]]


def halved(in_channels: int, out_channels: int) -> nn.Sequential:
    """Each square of four pixels becomes one: H -> H/2."""
    layer = nn.Conv2d(in_channels, out_channels, 2, stride=2)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def _check(widths: Sequence[float], blocks: Sequence[int], head: int, num_frequencies: int) -> None:
    told = f"model.widths={list(widths)}"
    if not widths:
        raise InputError(f"{told} has no level; pass a width for each, such as [1,2,4,6]")
    if len(blocks) != len(widths):
        raise InputError(
            f"{told} has {len(widths)} levels but model.blocks={list(blocks)} {len(blocks)}; pass as many of both"
        )
    for width in widths:
        if not 0 < width < math.inf:
            raise InputError(f"{told}: {width} is no width; pass finite numbers above 0")
    for count in blocks:
        if count < 0 or count != int(count):
            raise InputError(f"model.blocks={list(blocks)}: {count} is no number of blocks; pass whole ones, 0 or more")
    for name, value, least in (("head", head, 1), ("num_frequencies", num_frequencies, 0)):
        if value < least:
            raise InputError(f"model.{name}={value} is too small; pass {least} or more")
