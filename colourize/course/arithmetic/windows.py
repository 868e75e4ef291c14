"""The input positions that each output position of a layer sees along one axis, and the receptive fields from them.

The window of a layer is a product of rows and columns, so each axis is computed separately.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """One axis of a layer. ``padding``: zeros before; kind "repetition": nearest-neighbour upsampling by ``stride``."""

    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    kind: str = "convolution"  # or "transposed", "repetition"

    @property
    def ratio(self) -> Fraction:
        """Input positions from one output position to the next."""
        return Fraction(self.stride) if self.kind == "convolution" else Fraction(1, self.stride)

    def sees(self, output: int) -> list[int]:
        """Input positions that output position o sees, without borders.

        Convolution o s - p + d i; transposed convolution the m with o = m s - p + d i; 0 <= i < k.
        """
        if self.kind == "repetition":
            return [output // self.stride]
        if self.kind == "convolution":
            return [output * self.stride - self.padding + self.dilation * i for i in range(self.kernel)]
        reached = (output + self.padding - self.dilation * i for i in range(self.kernel))
        return sorted({position // self.stride for position in reached if position % self.stride == 0})

    def count(self, num_inputs: int, num_outputs: int) -> int:
        """Number of pairs of an input and an output on a picture with borders: the sum of ``pairs``."""
        if self.kind == "repetition":
            return min(num_outputs, num_inputs * self.stride)
        at, reached = (num_outputs, num_inputs) if self.kind == "convolution" else (num_inputs, num_outputs)
        starts = (self.dilation * i - self.padding for i in range(self.kernel))
        # the m with 0 <= m < at and 0 <= m s + start < reached
        ends = (
            (max(0, -(start // self.stride)), min(at - 1, (reached - 1 - start) // self.stride)) for start in starts
        )
        return sum(max(0, last - first + 1) for first, last in ends)

    def pairs(self, num_inputs: int, num_outputs: int) -> NDArray[np.bool_]:
        """The inputs that each output sees, on a picture with borders: bool [num_outputs, num_inputs]."""
        seen = np.zeros((num_outputs, num_inputs), bool)
        for output in range(num_outputs):
            seen[output, [position for position in self.sees(output) if 0 <= position < num_inputs]] = True
        return seen


@dataclass(frozen=True)
class Plane:
    """The exact field along an axis without borders: output q P + r sees the pixels q S + ``offsets[r]``.

    The pattern repeats every P = ``len(offsets)`` outputs; S is ``step``.
    """

    offsets: tuple[frozenset[int], ...] = (frozenset({0}),)
    step: int = 1

    def through(self, window: Window, num_inputs: int, num_outputs: int) -> Self:
        """The field after one more layer."""
        phases = len(self.offsets)
        per_period = window.ratio / phases
        period = per_period.denominator
        offsets = tuple(frozenset(pixel for m in window.sees(o) for pixel in self.pixels(m)) for o in range(period))
        return type(self)(offsets, self.step * per_period.numerator)

    def pixels(self, position: int) -> frozenset[int]:
        """Pixels that a position sees."""
        turns, phase = divmod(position, len(self.offsets))
        return frozenset(turns * self.step + pixel for pixel in self.offsets[phase])

    def cropped(self, part: slice) -> Self:
        """The same field, because a crop at the end moves no output."""
        return self

    def repeated(self, before: int, num_inputs: int, num_outputs: int) -> Self:
        """The field after replicate padding, away from the border."""
        return self.through(Window(padding=before), num_inputs, num_outputs)


@dataclass(frozen=True)
class Border:
    """The exact field along an axis of a picture with borders: bool [outputs, pixels]."""

    seen: NDArray[np.bool_]

    def through(self, window: Window, num_inputs: int, num_outputs: int) -> Self:
        """The field after one more layer; the zeros around its input see nothing."""
        return type(self)(window.pairs(num_inputs, num_outputs) @ self.seen)

    def cropped(self, part: slice) -> Self:
        """The field of the outputs in ``part``."""
        return type(self)(self.seen[part])

    def repeated(self, before: int, num_inputs: int, num_outputs: int) -> Self:
        """The field after replicate padding."""
        source = np.clip(np.arange(num_outputs) - before, 0, num_inputs - 1)
        return type(self)(self.seen[source])


@dataclass(frozen=True)
class Extent:
    """Numbers that describe a receptive field along an axis, in pixels.

    Attributes:
        sizes: pixels from the first to the last one seen, inclusive, for each output of a period; 0: none.
        stride: pixels from one output to the next.
        start: the first pixel that output 0 sees; -1 and below lie on padding; None: it sees no pixel.
    """

    sizes: tuple[int, ...]
    stride: Fraction
    start: int | None

    @property
    def size(self) -> int:
        """The largest of ``sizes``."""
        return max(self.sizes)


def extent(planes: Sequence[Plane]) -> Extent:
    """The field of the union of several ways to the same units."""
    period = math.lcm(*(len(plane.offsets) for plane in planes))
    seen = [frozenset().union(*(plane.pixels(position) for plane in planes)) for position in range(period)]
    sizes = tuple(max(pixels) - min(pixels) + 1 if pixels else 0 for pixels in seen)
    first = planes[0]
    return Extent(sizes, Fraction(first.step, len(first.offsets)), min(seen[0], default=None))


def chain(windows: Sequence[Window]) -> Extent:
    """The field of a chain of convolutions and poolings in closed form, the last layer last.

    r = 1 + sum_l d_l (k_l - 1) j_l with j_l the product of the strides before l; start = -sum_l p_l j_l
    (Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional neural networks", equations 2 and 4).
    """
    size, stride, start = 1, 1, 0
    for window in windows:
        size += window.dilation * (window.kernel - 1) * stride
        start -= window.padding * stride
        stride *= window.stride
    return Extent((size,), Fraction(stride), start)


Relation = Plane | Border
Start = Callable[[int], Relation]  # the relation of a side's pixels to themselves


def plane(side: int) -> Relation:
    """The identity without borders."""
    return Plane()


def border(side: int) -> Relation:
    """The identity on an axis of ``side`` pixels, with borders."""
    return Border(np.eye(side, dtype=bool))
