"""The ways (paths) from a picture to the units of a tensor [1, C, H, W], and the effect of each operation on them."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from colourize.course.arithmetic.layers import Axes
from colourize.course.arithmetic.windows import Extent, Plane, Relation, Window, extent

Ways = tuple[tuple[Relation, Relation], ...]  # rows and columns of each way to a unit


def extents(ways: Ways | None) -> tuple[Extent, Extent] | None:
    """The fields of rows and columns; None if they are unknown, or of a picture with borders (``Border``)."""
    if ways is None or not all(isinstance(axis, Plane) for way in ways for axis in way):
        return None
    rows, columns = (extent([way[axis] for way in ways]) for axis in (0, 1))  # type: ignore[misc]
    return rows, columns


def _each(ways: Ways, before: Tensor, after: Tensor, step: Callable[[Relation, int, int, int], Relation]) -> Ways:
    """Applies ``step`` to every axis of every way. Its arguments: the axis, its number, its sides before and after."""
    sides = list(zip(range(2), before.shape[2:], after.shape[2:], strict=True))
    passed = (tuple(step(axis, *side) for axis, side in zip(way, sides, strict=True)) for way in ways)
    return tuple((rows, columns) for rows, columns in passed)


def through(ways: Ways | None, axes: Axes | None, before: Tensor, after: Tensor) -> Ways | None:
    """The ways after a layer with these windows; None if the ways or the windows are unknown."""
    if ways is None or axes is None or before.ndim != 4:
        return None
    return _each(ways, before, after, lambda axis, number, *sides: axis.through(axes[number], *sides))


def padded(ways: Ways, pads: Sequence[int], mode: str, before: Tensor, after: Tensor) -> Ways:
    """The ways after ``F.pad``; ``pads`` in torch's order: left, right, top, bottom."""
    starts = pads[2], pads[0]
    if mode == "replicate":
        return _each(ways, before, after, lambda axis, number, *sides: axis.repeated(starts[number], *sides))
    return _each(ways, before, after, lambda axis, number, *sides: axis.through(Window(padding=starts[number]), *sides))


def cropped(ways: Ways, index: Any) -> Ways | None:
    """The ways after ``x[..., :height, :width]``; None for any other index."""
    match index:
        case (first, slice(start=None, step=None) as rows, slice(start=None, step=None) as columns) if first is ...:
            return tuple((way[0].cropped(rows), way[1].cropped(columns)) for way in ways)
    return None
