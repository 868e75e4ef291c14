"""Counts of a layer: weights, outputs, connections, multiply-adds, memory.

The course's convention (CSC413 2023, assignment 2, question 4.3) counts convolutions, poolings, upsamplings and fully
connected layers, without biases and batch norm: *weights*; *outputs*, the units of each layer's output; *connections*,
pairs of an input unit and an output unit, borders ignored: kernel * kernel * channels for each output unit of a
convolution, and for each input unit of a transposed convolution. ``used`` leaves out the connections that end on
padding. The convention with biases counts a bias as one weight, and as one connection for each unit; it also counts
batch norm and ReLU, with one connection for each unit. The weights of a module that is used twice count once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from colourize.course.arithmetic.windows import Extent, Window
from colourize.models import padding

BYTES = 4  # of a float32
COUNTED = "convolution", "transposed convolution", "pooling", "upsampling", "fully connected"
Axes = tuple[Window, Window]  # rows, columns


@dataclass(frozen=True)
class Layer:
    """Counts of one layer for one picture; shapes leave out the batch."""

    name: str
    kind: str
    in_shape: tuple[int, ...]
    shape: tuple[int, ...]
    weights: int = 0
    biases: int = 0  # including batch norm's parameters
    biased: bool = False  # whether each unit has a bias
    connections: int = 0
    used: int = 0
    multiply_adds: int = 0
    axes: Axes | None = None
    rows: Extent | None = None
    columns: Extent | None = None
    whole: bool = False  # whether every unit sees the whole picture, as after a fully connected layer
    in_place: bool = False

    @property
    def memory(self) -> int:
        """Bytes of the output; 0 if it shares the input's memory, as for an in-place ReLU."""
        return 0 if self.in_place else BYTES * self.units

    @property
    def units(self) -> int:
        """Number of values of the output for one picture."""
        return torch.Size(self.shape).numel()

    @property
    def counted(self) -> bool:
        """Whether the course's convention counts this layer."""
        return self.kind in COUNTED


@dataclass(frozen=True)
class Totals:
    """Sums over a network's layers, for one picture."""

    weights: int
    outputs: int
    connections: int
    used: int
    multiply_adds: int
    memory: int  # bytes of all outputs, ``Layer.memory``


def taken(layers: Sequence[Layer], biases: bool) -> list[Layer]:
    """The layers with the counts of a convention; ``biases`` adds biases and batch norm to weights and connections.

    Adding a bias costs no extra multiply-add; batch norm's scale and shift cost one for each unit.
    """
    if not biases:
        return [layer for layer in layers if layer.counted]
    extra = [layer.units if layer.biased else 0 for layer in layers]
    return [
        replace(
            layer, weights=layer.weights + layer.biases, connections=layer.connections + more, used=layer.used + more
        )
        for layer, more in zip(layers, extra, strict=True)
    ]


def totals(layers: Sequence[Layer], biases: bool = False) -> Totals:
    """Sums over a network's layers."""
    chosen = taken(layers, biases)
    summed = {name: sum(getattr(layer, name) for layer in chosen)
              for name in ("weights", "connections", "used", "multiply_adds", "memory")}  # fmt: skip
    return Totals(outputs=sum(layer.units for layer in chosen), **summed)


def fully_connected(layers: Sequence[Layer]) -> list[Layer]:
    """The layers with every convolution replaced by a fully connected layer between the same units.

    Each pair of units has its own weight. From the first such layer on, every unit sees the whole picture.
    """
    first = next((place for place, layer in enumerate(layers) if "convolution" in layer.kind), len(layers))
    dense = [_dense(layer) if "convolution" in layer.kind else layer for layer in layers]
    return [*dense[:first], *(replace(layer, rows=None, columns=None, whole=True) for layer in dense[first:])]


def _dense(layer: Layer) -> Layer:
    pairs = torch.Size(layer.in_shape).numel() * layer.units
    return replace(
        layer, kind="fully connected", weights=pairs, biases=layer.units if layer.biased else 0, connections=pairs,
        used=pairs, multiply_adds=pairs, axes=None,
    )  # fmt: skip


def count(name: str, module: nn.Module, in_shape: tuple[int, ...], shape: tuple[int, ...]) -> Layer:
    """Counts one layer; an unknown kind of layer has only parameters and units counted."""
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    axes = windows(module)
    biases = bias.numel() if isinstance(bias, torch.Tensor) else 0
    layer = Layer(name, _kind(module), in_shape, shape, biased=biases > 0, axes=axes)
    units, pixels = layer.units, torch.Size(shape[1:]).numel()
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and axes is not None:
        sites = torch.Size(in_shape[1:]).numel() if isinstance(module, nn.ConvTranspose2d) else pixels
        nominal = module.weight.numel() * sites
        used = module.weight.shape[0] * module.weight.shape[1] * _pairs(axes, in_shape, shape)
        return replace(
            layer, weights=module.weight.numel(), biases=biases, connections=nominal, used=used, multiply_adds=nominal
        )
    if isinstance(module, nn.Linear):
        pairs = module.in_features * units
        return replace(
            layer, weights=module.weight.numel(), biases=biases, connections=pairs, used=pairs, multiply_adds=pairs
        )
    if isinstance(module, nn.BatchNorm2d):
        scale = weight.numel() if isinstance(weight, torch.Tensor) else 0
        return replace(layer, biases=scale + biases, connections=units, used=units, multiply_adds=units)
    if axes is not None and len(shape) == 1:
        return replace(layer, connections=units, used=units)
    if axes is not None:
        sites = torch.Size(in_shape).numel() if axes[0].kind == "transposed" else units
        seen = axes[0].kernel * axes[1].kernel
        return replace(layer, connections=seen * sites, used=shape[0] * _pairs(axes, in_shape, shape))
    return replace(layer, weights=sum(parameter.numel() for parameter in module.parameters()))


def _pairs(axes: Axes, in_shape: tuple[int, ...], shape: tuple[int, ...]) -> int:
    counts = [window.count(i, o) for window, i, o in zip(axes, in_shape[1:], shape[1:], strict=True)]
    return counts[0] * counts[1]


def _kind(module: nn.Module) -> str:
    known: list[tuple[type[nn.Module] | tuple[type[nn.Module], ...], str]] = [
        (nn.ConvTranspose2d, "transposed convolution"), (nn.Conv2d, "convolution"),
        ((nn.MaxPool2d, nn.AvgPool2d), "pooling"), (nn.Upsample, "upsampling"), (nn.Linear, "fully connected"),
        (nn.BatchNorm2d, "batch norm"),
    ]  # fmt: skip
    return next((name for kind, name in known if isinstance(module, kind)), type(module).__name__)


POINTWISE = nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Identity, nn.Dropout
UPSAMPLINGS: dict[str, Callable[[int], Window]] = {
    "nearest": lambda factor: Window(stride=factor, kind="repetition"),
    # o = m s + (s - 1) / 2 + e, |e| < s: a transposed convolution with a triangle filter
    "bilinear": lambda factor: Window(2 * factor - factor % 2, factor, factor // 2, kind="transposed"),
}


def windows(module: nn.Module) -> Axes | None:
    """The windows of a layer, rows and columns; None for a layer without a window."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.MaxPool2d | nn.AvgPool2d):
        kind = "transposed" if isinstance(module, nn.ConvTranspose2d) else "convolution"
        kernels, strides = _pair(module.kernel_size), _pair(module.stride)
        dilations = _pair(getattr(module, "dilation", 1))
        before = _before(module, kernels, dilations)
        rows, columns = (Window(*each, kind) for each in zip(kernels, strides, before, dilations, strict=True))
        return rows, columns
    if isinstance(module, nn.Upsample) and module.scale_factor is not None and not module.align_corners:
        factors = _pair(module.scale_factor)
        if module.mode in UPSAMPLINGS and all(float(factor).is_integer() for factor in factors):
            rows, columns = (UPSAMPLINGS[module.mode](int(factor)) for factor in factors)
            return rows, columns
    if isinstance(module, POINTWISE):
        return Window(), Window()
    return None


def _before(module: Any, kernels: tuple[int, int], dilations: tuple[int, int]) -> tuple[int, int]:
    """Zeros before the first row and the first column."""
    if type(module).__name__ == "Conv2dSame":  # of timm: TensorFlow's padding, here of sides that the stride divides
        rows, columns = ((d * (k - 1) + 1 - s) // 2 for k, d, s in zip(kernels, dilations, module.stride, strict=True))
        return max(0, rows), max(0, columns)
    if module.padding == "same":
        rows, columns = (padding.around(k, d)[0] for k, d in zip(kernels, dilations, strict=True))
        return rows, columns
    rows, columns = (0, 0) if module.padding == "valid" else _pair(module.padding)
    excess = getattr(module, "excess", (0, 0))[0]  # of a SameConv2d
    return rows + excess, columns + excess


def _pair(value: Any) -> tuple[Any, Any]:
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)
