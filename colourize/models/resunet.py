"""ResUNet: a residual U-Net; its last layers also see the full-resolution grey. Our own design.

N images, C channels, NF filters, K colours, F frequencies, H height, W width.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.colour.hints import CHANNELS
from colourize.errors import InputError
from colourize.models.blocks import Conv2d, SameConv2d, conv, joined, padded


class Residual(nn.Module):
    """ReLU(x + two convolutions of x): a residual block (He and others 2016, arXiv 1512.03385)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.first = conv(channels, channels, kernel)
        self.second = nn.Sequential(SameConv2d(channels, channels, kernel), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return F.relu(x + self.second(self.first(x)))


class Waves(nn.Module):
    """The grey and its sines and cosines with the frequencies pi, 2 pi, ... F pi.

    Fourier features (Tancik and others 2020, arXiv 2006.10739) as in the positional encoding of NeRF (Mildenhall and
    others 2020, arXiv 2003.08934, equation 4). There the frequencies double; here they are evenly spaced. These
    features separate neighbouring grey levels, so that a layer over pixels can represent the look-up table.
    """

    frequencies: Tensor

    def __init__(self, num_frequencies: int) -> None:
        super().__init__()
        # numpy, because arange on the meta device, where a file's network is built first, imports torch's compiler
        waves = torch.tensor(np.float32(math.pi) * np.arange(1, num_frequencies + 1, dtype=np.float32))
        self.register_buffer("frequencies", waves.view(1, -1, 1, 1), persistent=False)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, 1, H, W] -> [N, 1 + 2F, H, W]."""
        phase = self.frequencies * grey
        return torch.cat((2 * grey - 1, phase.sin(), phase.cos()), dim=1)


class ResUNet(nn.Module):
    """Grey to class scores over levels of halved sides; the last layers combine each pixel's grey with its context.

    The course's networks discard the full-resolution grey in their first block. For this reason a look-up table from
    grey to colour beats them.

    Accepts any size: sides are padded to a multiple of m = 2^(levels - 1) and to at least 2m, and the result is
    cropped. The lowest level then has at least four pixels, so that batch norm has a variance even for one picture.

    Args:
        num_filters: NF; level l has ``widths[l]`` * NF channels.
        num_colours: K.
        kernel: side of the residual blocks' convolutions, in pixels.
        widths: channels of each level, in multiples of NF, finite and > 0.
        blocks: number of residual blocks on the way down at each level, >= 0.
        head: channels of the layer before the scores, in multiples of NF, >= 1.
        num_frequencies: F of ``Waves``, >= 0.
        hints: whether the network also takes hints, see ``colourize.colour.hints``.

    Raises:
        InputError: no level, ``blocks`` and ``widths`` of different lengths, or a value out of its range.
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
        self.least = 2 * self.multiple
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
        """[N, 1, H, W] in [0, 1), or [N, 5, H, W] with hints -> logits [N, K, H, W]."""
        full = padded(grey, self.multiple, least=self.least)
        if self.hints and full.shape[1] == 1:
            full = F.pad(full, (0, 0, 0, 0, 0, CHANNELS))
        x, skips = self.stem(2 * full - 1), []
        for count, level, down in zip(self.blocks, self.levels, self.down, strict=False):
            skips.append(level(x) if count else x)
            x = down(skips[-1])
        x = self.levels[-1](x) if self.blocks[-1] else x
        for up, both in zip(reversed(self.up), reversed(self.joined), strict=True):
            x = both(torch.cat((up(x), skips.pop()), dim=1))
        x = self.head(joined(x, self.waves(full[:, :1])))
        return self.scores(x)[..., : grey.shape[-2], : grey.shape[-1]]


def halved(in_channels: int, out_channels: int) -> nn.Sequential:
    """A convolution of 2x2 pixels with stride 2, BatchNorm, ReLU: [N, C, H, W] -> [N, C', H/2, W/2]."""
    layer = Conv2d(in_channels, out_channels, 2, stride=2)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def _check(widths: Sequence[float], blocks: Sequence[int], head: int, num_frequencies: int) -> None:
    if not widths:
        raise InputError("model.widths must have one width per level, got []; pass for example model.widths=[1,2,4,6]")
    if len(blocks) != len(widths):
        raise InputError(
            f"model.blocks must be as long as model.widths={list(widths)}, got {list(blocks)}; "
            f"pass {len(widths)} numbers of blocks"
        )
    for width in widths:
        if not 0 < width < math.inf:
            raise InputError(
                f"model.widths must be finite and > 0, got {width}; pass for example model.widths=[1,2,4,6]"
            )
    for count in blocks:
        if count < 0 or count != int(count):
            raise InputError(
                f"model.blocks must be integers >= 0, got {count}; pass for example model.blocks=[1,1,1,2]"
            )
    for name, value, least in (("head", head, 1), ("num_frequencies", num_frequencies, 0)):
        if value < least:
            raise InputError(f"model.{name} must be >= {least}, got {value}; pass model.{name}={least} or more")
