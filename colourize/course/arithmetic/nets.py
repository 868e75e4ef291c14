"""Builds a network from a list of layers, the content of the file in ``colourize describe --layers FILE``."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from colourize.errors import InputError
from colourize.models import padding

REMEDY = "pass an odd kernel or an even dilation"
FORM = "input: [3, 32, 32], layers: [{convolution: {channels: 8, kernel: 3, bias: false}}, {max_pool: 2}, ...]"


def sequential(listed: Any) -> tuple[nn.Sequential, tuple[int, int, int]]:
    """The network of a list, on the meta device, and the shape [C, H, W] of its input.

    Args:
        listed: ``{"input": [C, H, W], "layers": [...]}``, each layer a name and its value: ``convolution`` and
            ``transposed_convolution`` (channels, kernel, stride, dilation, bias; the zero padding makes the side the
            input's, divided or multiplied by the stride), ``max_pool``, ``average_pool``, ``upsample`` (a factor),
            ``linear`` (units; the picture is flattened), ``relu``, ``batch_norm`` (no value).

    Raises:
        InputError: the list has another form; a layer is unknown or does not fit its input.
    """
    if not isinstance(listed, dict) or set(listed) != {"input", "layers"} or not isinstance(listed["layers"], list):
        raise InputError(f"the file must contain an input and a list of layers; pass {FORM}")
    shape = listed["input"]
    if not (isinstance(shape, list) and len(shape) == 3 and all(type(n) is int and n > 0 for n in shape)):
        raise InputError(f"input must be three whole numbers above 0, got {shape}; pass [channels, height, width]")
    seen, modules = torch.empty(1, *shape, device="meta"), []
    for number, entry in enumerate(listed["layers"], start=1):
        name, value = _named(number, entry)
        try:
            with torch.device("meta"):
                module = LAYERS[name](seen, value).eval()
                seen = module(seen)
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            raise InputError(f"layer {number}, {name}: {value}: {' '.join(str(error).split())}") from error
        modules.append(module)
    return nn.Sequential(*modules), (shape[0], shape[1], shape[2])


def _named(number: int, entry: Any) -> tuple[str, Any]:
    named = {entry: None} if isinstance(entry, str) else entry
    if not isinstance(named, dict) or len(named) != 1 or next(iter(named)) not in LAYERS:
        raise InputError(f"layer {number} must be a known layer, got {entry}; pass one of {', '.join(LAYERS)}")
    return next(iter(named.items()))


def _whole(**numbers: Any) -> None:
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise InputError(f"{name} must be a whole number of 1 or more, got {number}")


def _values(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InputError("values must have names; pass {channels: 8, kernel: 3, bias: false} or the like")
    return given


def _convolution(
    x: Tensor, channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1, bias: bool = True
) -> nn.Module:
    _whole(channels=channels, kernel=kernel, stride=stride, dilation=dilation)
    rule = padding.down(kernel, stride, dilation)
    if not rule.exact:
        raise InputError(
            f"kernel={kernel} with stride={stride}, dilation={dilation} has no symmetric padding that divides the side "
            f"by the stride; {REMEDY}"
        )
    return nn.Conv2d(x.shape[1], channels, kernel, stride, rule.padding, dilation, bias=bias)


def _transposed(
    x: Tensor, channels: int, kernel: int = 3, stride: int = 2, dilation: int = 1, bias: bool = True
) -> nn.Module:
    _whole(channels=channels, kernel=kernel, stride=stride, dilation=dilation)
    rule = padding.up(kernel, stride, dilation)
    if not rule.exact:
        raise InputError(
            f"kernel={kernel} with stride={stride}, dilation={dilation} has no padding that multiplies the side by "
            f"{stride}; {REMEDY}"
        )
    return nn.ConvTranspose2d(
        x.shape[1], channels, kernel, stride, rule.padding, rule.output_padding, bias=bias, dilation=dilation
    )


def _linear(x: Tensor, units: int) -> nn.Module:
    _whole(units=units)
    layer = nn.Linear(x[0].numel(), units)
    return nn.Sequential(nn.Flatten(), layer) if x.ndim > 2 else layer


def _upsampling(factor: Any) -> nn.Module:
    _whole(factor=factor)
    return nn.Upsample(scale_factor=factor)


def _plain(layer: nn.Module, value: Any) -> nn.Module:
    if value is not None:
        raise InputError("the layer does not take a value; leave it out")
    return layer


LAYERS: dict[str, Callable[[Tensor, Any], nn.Module]] = {
    "convolution": lambda x, value: _convolution(x, **_values(value)),
    "transposed_convolution": lambda x, value: _transposed(x, **_values(value)),
    "max_pool": lambda x, value: nn.MaxPool2d(value),
    "average_pool": lambda x, value: nn.AvgPool2d(value),
    "upsample": lambda x, value: _upsampling(value),
    "linear": _linear,
    "relu": lambda x, value: _plain(nn.ReLU(), value),
    "batch_norm": lambda x, value: _plain(nn.BatchNorm2d(x.shape[1]), value),
}
