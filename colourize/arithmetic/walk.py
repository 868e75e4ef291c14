"""A network walked through layer by layer: what each counts, and what each output sees.

torch.fx finds the layers and what is done between them; meta tensors give the shapes without computing; the fields
are propagated as index sets. A skip is a second way to the same unit, so a field is a union of products of rows and
columns.
"""

import copy
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional as F

from colourize.arithmetic.layers import Axes, Layer, count, windows
from colourize.arithmetic.windows import Border, Extent, Plane, Relation, Start, Window, border, chain, extent, plane
from colourize.errors import InputError

Ways = tuple[tuple[Relation, Relation], ...]  # rows and columns of each way to a unit
ELEMENTWISE = F.relu, torch.relu, torch.sigmoid, torch.tanh, F.gelu, F.silu, "clone"
UNIONS = torch.cat, operator.add, torch.add


@dataclass(frozen=True)
class Seen:
    """A tensor without values [1, C, H, W], and the ways from the input to its units; None where that is not known."""

    tensor: Tensor
    ways: Ways | None


class Walk(fx.Interpreter):
    """Runs a network's graph on ``Seen`` in place of tensors, and notes each layer."""

    def __init__(self, network: nn.Module, picture: Tensor) -> None:
        root = nn.Sequential(
            copy.deepcopy(network).to("meta").float().eval()
        )  # so that a network without parts is a layer
        super().__init__(fx.GraphModule(root, _Layers(picture).trace(root)))
        self.layers: list[Layer] = []

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module, (seen,) = self.fetch_attr(target), args
        made = module(seen.tensor)
        ways = _through(seen.ways, windows(module), seen.tensor, made)
        name = type(module).__name__ if target == "0" else str(target).removeprefix("0.")
        layer = count(name, module, tuple(seen.tensor.shape[1:]), tuple(made.shape[1:]))
        if ways is not None and all(isinstance(axis, Plane) for way in ways for axis in way):
            rows, columns = (extent([way[axis] for way in ways]) for axis in (0, 1))  # type: ignore[misc]
            layer = replace(layer, rows=rows, columns=columns)
        self.layers.append(layer)
        return Seen(made, ways)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = super().call_function(target, *_bare((args, kwargs)))
        return self._follow(target, args, kwargs, made)

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = super().call_method(target, *_bare((args, kwargs)))
        return self._follow(target, args, kwargs, made)

    def _follow(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> Any:
        """The ways through what is done between layers."""
        sources = _sources((args, kwargs))
        if not isinstance(made, Tensor) or not sources:
            return made
        first, ways = sources[0], None
        if target in UNIONS and all(source.ways is not None for source in sources):
            ways = tuple(way for source in sources for way in source.ways or ())
        elif target in ELEMENTWISE:
            ways = first.ways
        elif target is F.pad and first.ways is not None and len(args[1]) == 4:
            ways = _padded(first.ways, args[1], kwargs.get("mode", "constant"), first.tensor, made)
        elif target is operator.getitem and first.ways is not None:
            ways = _cropped(first.ways, args[1])
        return Seen(made, ways)


class _Layers(fx.Tracer):
    """Stops at layers without parts; where a network asks for the picture's size, it branches as for this one."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self.picture = picture

    def to_bool(self, obj: fx.Proxy) -> bool:
        try:
            return bool(self._value(obj.node))
        except RuntimeError:  # it asks for more than the size, or of more than the picture
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
        return not any(True for _ in m.children())


def _bare(values: Any) -> Any:
    return fx.node.map_aggregate(values, lambda value: value.tensor if isinstance(value, Seen) else value)


def _sources(values: Any) -> list[Seen]:
    found: list[Seen] = []
    fx.node.map_aggregate(values, lambda value: found.append(value) if isinstance(value, Seen) else None)
    return found


def _through(ways: Ways | None, axes: Axes | None, before: Tensor, after: Tensor) -> Ways | None:
    if ways is None or axes is None or before.ndim != 4:
        return None
    sides = list(zip(axes, before.shape[2:], after.shape[2:], strict=True))
    passed = (tuple(axis.through(*side) for axis, side in zip(way, sides, strict=True)) for way in ways)
    return tuple((rows, columns) for rows, columns in passed)


def _padded(ways: Ways, pads: Sequence[int], mode: str, before: Tensor, after: Tensor) -> Ways:
    """Through torch's padding: columns first, then rows."""
    starts = pads[2], pads[0]
    if mode != "replicate":
        rows, columns = (Window(padding=start) for start in starts)
        return _through(ways, (rows, columns), before, after) or ()
    sides = list(zip(starts, before.shape[2:], after.shape[2:], strict=True))
    passed = (tuple(axis.repeated(*side) for axis, side in zip(way, sides, strict=True)) for way in ways)
    return tuple((rows, columns) for rows, columns in passed)


def _cropped(ways: Ways, index: Any) -> Ways | None:
    """Through ``x[..., :height, :width]``; None for any other index."""
    match index:
        case (first, slice(start=None, step=None) as rows, slice(start=None, step=None) as columns) if first is ...:
            return tuple((way[0].cropped(rows), way[1].cropped(columns)) for way in ways)
    return None


def walk(network: nn.Module, shape: tuple[int, int, int], start: Start = plane) -> tuple[list[Layer], Seen]:
    """Layers of a network for one picture [C, H, W], in the order of their use; and what its output sees.

    Raises:
        InputError: torch.fx cannot follow the network, or it does not take such a picture.
    """
    channels, height, width = shape
    picture = Seen(torch.empty(1, channels, height, width, device="meta"), ((start(height), start(width)),))
    try:
        walker = Walk(network, picture.tensor)
        seen = walker.run(picture)
    except Exception as error:  # fx, and layers given another shape than they take, raise half a dozen kinds
        cause = str(error).strip().partition("\n")[0]
        raise InputError(f"{type(network).__name__} cannot be followed: {cause}") from error
    return walker.layers, seen


def closed_form(network: nn.Module, shape: tuple[int, int, int]) -> tuple[Extent, Extent] | None:
    """The field of a network's outputs, rows and columns, by the formula for chains; None where it is no chain of
    convolutions and poolings."""
    layers, seen = walk(network, shape)
    axes = [layer.axes for layer in layers]
    if seen.ways is None or len(seen.ways) != 1 or not axes:
        return None
    sides = [[axis[side] for axis in axes if axis is not None and axis[side].kind == "convolution"] for side in (0, 1)]
    return (chain(sides[0]), chain(sides[1])) if all(len(side) == len(axes) for side in sides) else None


@dataclass(frozen=True)
class Field:
    """The exact receptive fields of all outputs of a network, borders and all."""

    ways: tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], ...]  # [H', H] and [W', W] of each way

    def mask(self, row: int, column: int) -> NDArray[np.bool_]:
        """Pixels that the output at (row, column) depends on: [H, W]."""
        masks = [np.outer(rows[row], columns[column]) for rows, columns in self.ways]
        return np.logical_or.reduce(masks)


def field(network: nn.Module, shape: tuple[int, int, int]) -> Field:
    """Fields of a network's outputs on a picture [C, H, W].

    Raises:
        InputError: the network does something of which the field is not known.
    """
    _, seen = walk(network, shape, border)
    if seen.ways is None:
        raise InputError(f"{type(network).__name__} does something whose receptive field is not known")
    pairs = [(rows, columns) for rows, columns in seen.ways if isinstance(rows, Border) and isinstance(columns, Border)]
    return Field(tuple((rows.seen, columns.seen) for rows, columns in pairs))
