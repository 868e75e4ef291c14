"""EncoderUNet: decodes an image classifier's features and the grey itself to class scores. Our own design.

N images, C channels, NF filters, K colours, H height, W width, S the stride of the scores, D that of the coarsest
features.
"""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.colour.lab import linear_to_srgb, luminance_of_lightness
from colourize.colour.spaces import WHITE
from colourize.errors import InputError, shown
from colourize.models.blocks import conv, padded
from colourize.models.resunet import Waves
from colourize.private.timm import timm

STRIDES = 1, 2, 4
ZOOMS = 1, 2, 4


class EncoderUNet(nn.Module):
    """Grey to class scores of blocks of SxS pixels: an encoder from timm and a light decoder.

    The encoder sees the grey as three equal channels, enlarged ``zoom`` times and normalised as in its own training.
    Its features, with strides 2 / zoom to 32 / zoom, are joined from the coarsest to stride S, as in a U-Net. The last
    layers also see the grey itself: the SxS greys of each block, and waves of their mean (``models.resunet.Waves``).

    Accepts any size: sides are padded to a multiple of D and to at least 2D, and the result is cropped.
    ``models.encoder_weights`` loads pretrained weights; ``training.freezing`` freezes the encoder or its first layers.

    Args:
        num_filters: NF; the decoder has ``widths[i]`` * NF channels at its i-th stride.
        num_colours: K.
        kernel: side of the decoder's convolutions, in pixels.
        encoder: name of a timm network whose features have strides that double.
        stride: S: 1, 2 or 4 pixels.
        widths: channels at D/2, D/4, ... S, in multiples of NF; additional ones are not used.
        head: channels of the layer before the scores, in multiples of NF, >= 1.
        num_frequencies: of ``Waves``, >= 0.
        zoom: 1, 2 or 4. A classifier trained on pictures of 224 pixels recognizes more in a small picture if it is
            enlarged; twice the zoom makes a step about three times as slow.
        colour_space: the meaning of the input: lightness in lab and oklab, mean(R, G, B) / 256 in rgb.

    Attributes:
        stride: S.

    Raises:
        InputError: timm does not have the encoder, its features have other strides, or a value is out of its range.
    """

    def __init__(
        self,
        num_filters: int,
        num_colours: int,
        kernel: int = 3,
        encoder: str = "tf_efficientnet_lite0",
        stride: int = 4,
        widths: Sequence[float] = (4, 3, 2, 1.5, 1),
        head: int = 4,
        num_frequencies: int = 8,
        colour_space: str = "rgb",
        zoom: int = 1,
    ) -> None:
        super().__init__()
        self.encoder_name, self.stride, self.colour_space, self.zoom = encoder, stride, colour_space, zoom
        self.encoder = timm_encoder(encoder)
        info: Any = self.encoder.feature_info
        reductions: list[int] = info.reduction()
        strides = _check(reductions, encoder, stride, widths, head, num_frequencies, zoom)
        channels: dict[float, int] = {each / zoom: n for each, n in zip(reductions, info.channels(), strict=True)}
        self.multiple = reductions[-1] // zoom
        self.least = 2 * self.multiple
        sizes = [max(1, round(width * num_filters)) for width in widths[: len(strides)]]
        self.places = [list(channels).index(each) if each in channels else None for each in strides]
        inputs = [
            size + channels.get(each, 0)
            for size, each in zip([channels[self.multiple], *sizes[:-1]], strides, strict=True)
        ]
        # as layers, which ``colourize describe`` counts
        self.enlarged = nn.Upsample(scale_factor=float(zoom), mode="bilinear") if zoom > 1 else nn.Identity()
        self.doubled = nn.Upsample(scale_factor=2.0, mode="bilinear")
        self.mean = nn.AvgPool2d(stride)
        self.decoder = nn.ModuleList(conv(before, size, kernel) for before, size in zip(inputs, sizes, strict=True))
        self.waves = Waves(num_frequencies)
        self.head = conv(sizes[-1] + stride**2 + 1 + 2 * num_frequencies, head * num_filters, 1)
        self.scores = nn.Conv2d(head * num_filters, num_colours, 1)

    def upto(self, stride: int) -> list[str]:
        """Dotted names of the encoder's layers up to the features of a stride, in order.

        Args:
            stride: the stride, in pixels of the encoder's picture; 0: no layer.

        Raises:
            InputError: the encoder has no features of this stride.
        """
        info: Any = self.encoder.feature_info
        if not stride:
            return []
        if stride not in info.reduction():
            raise InputError(
                f"frozen_stride must be 0 or a stride of {self.encoder_name}'s features, got {stride}; pass one of "
                f"{', '.join(map(str, info.reduction()))}"
            )
        end = info.module_name()[info.reduction().index(stride)].replace(".", "_")
        names = list(self._layers())
        return names[: 1 + [name.replace(".", "_") for name in names].index(f"encoder_{end}")]

    def _layers(self) -> dict[str, nn.Module]:
        """The encoder's layers by dotted name, in order: its children, or theirs where features end inside of one."""
        info: Any = self.encoder.feature_info
        ends = [name.replace(".", "_") for name in info.module_name()]
        layers: dict[str, nn.Module] = {}
        for name, child in self.encoder.named_children():
            split = name not in ends and any(end.startswith(f"{name}_") for end in ends)
            inner = {f"encoder.{name}.{each}": part for each, part in child.named_children()} if split else {}
            layers |= inner or {f"encoder.{name}": child}
        return layers

    def features(self, grey: Tensor) -> list[Tensor]:
        """The encoder's features, from the finest to the coarsest: [N, 1, H, W], H and W multiples of D."""
        mean, deviation = normalisation(self.encoder_name)
        light = self.enlarged(srgb_grey(grey, self.colour_space))
        trained = torch.is_grad_enabled() and any(each.requires_grad for each in self.encoder.parameters())
        with torch.set_grad_enabled(trained), ExitStack() as stack:
            if trained and grey.is_cpu:
                self._precise(stack)
            channels = [(light - m) / d for m, d in zip(mean, deviation, strict=True)]
            normalised = torch.cat(channels, dim=1).contiguous(memory_format=torch.channels_last)
            features: list[Tensor] = self.encoder(normalised.to(next(self.encoder.parameters()).dtype))
        return features

    def _precise(self, stack: ExitStack) -> None:
        """Makes the trained layers compute in the precision of their weights, until the stack of contexts closes.

        On a CPU the gradient of a depthwise convolution takes three times as long in bfloat16 (torch 2.15.0).
        """
        layers = list(self._layers().values())
        first = next(layer for layer in layers if any(each.requires_grad for each in layer.parameters()))
        if first is layers[0]:
            stack.enter_context(torch.autocast("cpu", enabled=False))
            return

        def enter(layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
            stack.enter_context(torch.autocast("cpu", enabled=False))
            return (inputs[0].to(next(layer.parameters()).dtype),)

        stack.callback(first.register_forward_pre_hook(enter).remove)

    def forward(self, grey: Tensor) -> Tensor:
        """[N, 1, H, W] in [0, 1) -> logits [N, K, h, w], h = H / S and w = W / S, both rounded up."""
        full = padded(grey, self.multiple, least=self.least)
        features = self.features(full)
        x = features[-1]
        for place, layer in zip(self.places, self.decoder, strict=True):
            x = self.doubled(x)
            x = layer(x if place is None else torch.cat((x, features[place].to(x.dtype)), dim=1))
        beside = F.pixel_unshuffle(2 * full - 1, self.stride), self.waves(self.mean(full))
        x = self.scores(self.head(torch.cat((x, *(each.to(x.dtype) for each in beside)), dim=1)))
        height, width = -(-grey.shape[-2] // self.stride), -(-grey.shape[-1] // self.stride)
        return x[..., :height, :width]


def timm_encoder(name: str, features: bool = True, **values: Any) -> Any:
    """A network from timm.

    Args:
        name: of the network. Other names that timm accepts are refused, such as a repository to download from.
        features: whether it returns its features, or class scores.
        values: other arguments of ``timm.create_model``.

    Raises:
        InputError: timm has no such network, or it does not give features.
    """
    if not re.fullmatch(r"\w+(\.\w+)?", name) or not timm.is_model(name):
        raise InputError(
            f"model.encoder must be a network of timm, got {shown(name)}; pass one of timm.list_models(), such as "
            "tf_efficientnet_lite0"
        )
    try:
        return timm.create_model(name, features_only=features, **values)
    except (AttributeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"model.encoder={name} gives no features in timm; pass tf_efficientnet_lite0") from error


def normalisation(encoder: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of the sRGB channels in [0, 1] that the encoder's training used."""
    found = timm.models.get_pretrained_cfg(encoder)
    return (found.mean, found.std) if found is not None else ((0.5,) * 3, (0.5,) * 3)


def srgb_grey(grey: Tensor, colour_space: str) -> Tensor:
    """The sRGB value in [0, 1] of a network's input: [N, 1, H, W] in [0, 255/256] -> the same shape."""
    light = (grey / WHITE).clamp(0, 1)
    if colour_space == "rgb":
        return light
    luminance = luminance_of_lightness(100 * light) if colour_space == "lab" else light**3
    return linear_to_srgb(luminance)


def _check(
    reductions: list[int],
    encoder: str,
    stride: int,
    widths: Sequence[float],
    head: int,
    num_frequencies: int,
    zoom: int,
) -> list[int]:
    """The strides of the decoder, D/2, D/4, ... S; raises InputError if it cannot be built."""
    if any(2 * fine != coarse for fine, coarse in pairwise(reductions)):
        raise InputError(
            f"model.encoder={encoder} gives features of strides {reductions}, but each must be twice the one before; "
            "pass tf_efficientnet_lite0"
        )
    if stride not in STRIDES:
        raise InputError(f"model.stride must be one of {', '.join(map(str, STRIDES))}, got {stride}")
    if zoom not in ZOOMS:
        raise InputError(f"model.zoom must be one of {', '.join(map(str, ZOOMS))}, got {zoom}; pass model.zoom=1")
    coarsest = reductions[-1] // zoom
    strides = [coarsest // 2**step for step in range(1, (coarsest // stride).bit_length())]
    if len(widths) < len(strides) or not all(0 < width < float("inf") for width in widths):
        raise InputError(
            f"model.widths must contain {len(strides)} finite numbers > 0, one for each of the strides {strides}, got "
            f"{list(widths)}; pass for example model.widths=[4,3,2,1.5,1]"
        )
    for name, value, least in (("head", head, 1), ("num_frequencies", num_frequencies, 0)):
        if value < least:
            raise InputError(f"model.{name} must be >= {least}, got {value}; pass model.{name}={least} or more")
    return strides
