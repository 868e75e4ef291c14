"""Walks through a network layer by layer: counts each layer and computes the receptive fields of its units.

torch.fx finds the layers and the operations between them; meta tensors give the shapes without values; the fields are
propagated as index sets. A skip connection is a second path (*way*) to the same unit, so a field is a union of products
of rows and columns.
"""

import copy
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from colourize.course.arithmetic.layers import Axes, Layer, count, totals, windows
from colourize.course.arithmetic.ways import Ways, cropped, extents, padded, through
from colourize.course.arithmetic.windows import Start, plane
from colourize.errors import InputError
from colourize.private.torch import storage_key

ELEMENTWISE = F.relu, torch.relu, torch.sigmoid, torch.tanh, F.gelu, F.silu, "clone", "type_as"
UNIONS = torch.cat, operator.add, torch.add
LAYERS_ONLY = "conv", "pool", "interpolate", "upsample", "linear", "_norm"  # functions whose names contain these


@dataclass(frozen=True)
class Seen:
    """A meta tensor [1, C, H, W] and its dependence on the input.

    Attributes:
        ways: the ways from the input to its units; None if unknown.
        chain: the windows of the layers before it; None if they are not a chain of layers with windows.
        whole: whether every unit sees the whole picture, as after a fully connected layer.
    """

    tensor: Tensor
    ways: Ways | None
    chain: tuple[Axes, ...] | None = ()
    whole: bool = False


class Walk(fx.Interpreter):
    """Runs a network's graph with ``Seen`` in place of tensors, and records each layer."""

    def __init__(self, network: nn.Module, picture: Tensor) -> None:
        root = nn.Sequential(_without_values(network))  # makes a network without submodules a layer
        super().__init__(fx.GraphModule(root, _Layers(picture).trace(root)))
        self.layers: list[Layer] = []
        self.counted: set[nn.Parameter] = set()

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module, (seen,) = self.fetch_attr(target), args
        if isinstance(module, nn.Identity):
            return seen
        made, axes = _made(module, seen.tensor), windows(module)
        ways = through(seen.ways, axes, seen.tensor, made)
        chain = None if seen.chain is None or axes is None else (*seen.chain, axes)
        whole = seen.whole or (isinstance(module, nn.Linear) and seen.tensor.ndim == 2)
        name = type(module).__name__ if target == "0" else str(target).removeprefix("0.")
        layer = count(name, module, tuple(seen.tensor.shape[1:]), tuple(made.shape[1:]))
        if (fields := extents(ways)) is not None:
            layer = replace(layer, rows=fields[0], columns=fields[1])
        in_place = storage_key(made.untyped_storage()) == storage_key(seen.tensor.untyped_storage())
        self.layers.append(self._once(replace(layer, whole=whole, in_place=in_place), module))
        return Seen(made, ways, chain, whole)

    def _once(self, layer: Layer, module: nn.Module) -> Layer:
        """The layer; without weights if an earlier use of its module counted them."""
        parameters = set(module.parameters())
        again = bool(parameters) and parameters <= self.counted
        self.counted |= parameters
        return replace(layer, weights=0, biases=0) if again else layer

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = getattr(target, "__name__", str(target))
        if any(part in name for part in LAYERS_ONLY):
            raise InputError(f"{name}() is called outside a layer and would not be counted; use its nn.Module")
        made = super().call_function(target, *_bare((args, kwargs)))
        return self._follow(target, args, kwargs, made)

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = super().call_method(target, *_bare((args, kwargs)))
        return self._follow(target, args, kwargs, made)

    def _follow(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Any:
        """The result of an operation between layers, with its ways."""
        sources = _found((args, kwargs), Seen)
        if _found((args, kwargs), nn.Parameter):
            name = getattr(target, "__name__", str(target))
            raise InputError(f"{name}() computes with a parameter outside a layer; put both into an nn.Module")
        if not isinstance(made, Tensor) or not sources:
            return made
        first, ways = sources[0], None
        if target in UNIONS and _joins_units(target, args, kwargs, sources, made):
            ways = tuple(way for source in sources for way in source.ways or ())
        elif target in ELEMENTWISE:
            ways = first.ways
        elif target is F.pad and first.ways is not None and len(args[1]) == 4:
            ways = padded(first.ways, args[1], kwargs.get("mode", "constant"), first.tensor, made)
        elif target is operator.getitem and first.ways is not None:
            ways = cropped(first.ways, args[1])
        return Seen(made, ways, first.chain if target in ELEMENTWISE else None, all(source.whole for source in sources))


def _made(module: nn.Module, given: Tensor) -> Any:
    """A layer's output on the meta device. Torch takes milliseconds for a batch norm's, which has its input's shape."""
    plain = type(module) is nn.BatchNorm2d and given.ndim == 4 and given.shape[1] == module.num_features
    return torch.empty_like(given) if plain else module(given)


class _Layers(fx.Tracer):
    """Traces down to layers without submodules. A branch on the picture's size is taken for this picture."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self.picture = picture

    def to_bool(self, obj: fx.Proxy) -> bool:
        try:
            return bool(self._value(obj.node))
        except RuntimeError:  # the condition depends on more than the picture's size
            return super().to_bool(obj)

    def _value(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return self.picture
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), self._value)
        if node.op == "call_function" and callable(node.target):
            return node.target(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        raise NotImplementedError

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether tracing stops here: at torch's layers, and at modules with neither submodules nor parameters."""
        if any(True for _ in m.children()):
            return False
        of_torch = any(kind.__module__.startswith("torch.nn.modules.") for kind in type(m).__mro__ if kind != nn.Module)
        return of_torch or not any(True for _ in m.parameters())


def _bare(values: Any) -> Any:
    return fx.node.map_aggregate(values, lambda value: value.tensor if isinstance(value, Seen) else value)


def _found(values: Any, kind: type[Any]) -> list[Any]:
    found: list[Any] = []
    fx.node.map_aggregate(values, lambda value: found.append(value) if isinstance(value, kind) else None)
    return found


def _without_values(network: nn.Module) -> nn.Module:
    """A copy on the meta device, in float32 and eval mode; shared parameters stay shared."""
    memo: dict[int, Tensor] = {
        id(p): nn.Parameter(torch.empty_like(p, device="meta"), p.requires_grad) for p in network.parameters()
    }
    memo |= {id(buffer): torch.empty_like(buffer, device="meta") for buffer in network.buffers()}
    bare = copy.deepcopy(network, memo).float()
    for module in list(bare.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, nn.BatchNorm2d) and any(True for _ in layer.children()):
                setattr(module, name, _apart(layer))
    return bare.eval()


def _apart(norm: nn.BatchNorm2d) -> nn.Sequential:
    """A batch norm of timm, which also holds its activation, as two layers."""
    plain = nn.BatchNorm2d(norm.num_features, device="meta")
    plain.weight, plain.bias = norm.weight, norm.bias
    return nn.Sequential(plain, *(layer for layer in norm.children() if not isinstance(layer, nn.Identity)))


def _joins_units(target: Any, args: Any, kwargs: Any, sources: Sequence[Seen], made: Tensor) -> bool:
    """Whether a unit depends only on its sources' units of the same row and column, so not for a broadcast."""
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0) if target is torch.cat else 1
    alike = all(source.tensor.ndim == 4 and source.tensor.shape[2:] == made.shape[2:] for source in sources)
    return dim in (1, -3) and alike and all(source.ways is not None for source in sources)


def walk(network: nn.Module, shape: tuple[int, int, int], start: Start = plane) -> tuple[list[Layer], Seen]:
    """The layers of a network for one picture [C, H, W], in the order of their use; and its output as ``Seen``.

    Raises:
        InputError: torch.fx cannot trace the network; the network does not accept such a picture; it has weights or
            layers outside any nn.Module, which would not be counted.
    """
    channels, height, width = shape
    picture = Seen(torch.empty(1, channels, height, width, device="meta"), ((start(height), start(width)),))
    try:
        walker = Walk(network, picture.tensor)
        seen = walker.run(picture)
    except Exception as error:  # torch.fx, and layers with a wrong shape, raise many types
        cause = str(error).strip().partition("\n")[0]
        raise InputError(f"{type(network).__name__} cannot be traced: {cause}") from error
    counted, there = totals(walker.layers, biases=True).weights, sum(p.numel() for p in network.parameters())
    if counted != there:
        raise InputError(
            f"{type(network).__name__} has {there:,} weights, but its layers use {counted:,}; remove unused weights, "
            "and share whole layers"
        )
    return walker.layers, seen
