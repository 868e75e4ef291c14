"""The exercises by hand: a convolution (3.1) and the paddings that keep a shape (5.4)."""

from typing import Any

from colourize.course.arithmetic.convolution import FILTERS, HANDOUT, rendered, result, steps
from colourize.course.theory import Demo
from colourize.errors import InputError
from colourize.models.padding import Padding, down, up


def convolution(image: Any = None, filter: Any = "sharpen", cross_correlation: bool = False) -> Demo:
    """A zero-padded convolution with all its steps.

    Args:
        image: rows of numbers; None: those of the handout.
        filter: one of ``arithmetic.convolution.FILTERS``, or rows of numbers.
        cross_correlation: do not turn the filter.

    Raises:
        InputError: an unknown filter, or values that are not a matrix.
    """
    if isinstance(filter, str) and filter not in FILTERS:
        raise InputError(f"demo.filter must be rows of numbers or one of {', '.join(FILTERS)}, got {filter}")
    kernel = FILTERS[filter] if isinstance(filter, str) else filter
    picture = HANDOUT if image is None else image
    for name, matrix in (("image", picture), ("filter", kernel)):
        rows = matrix if isinstance(matrix, list) else [None]
        if not all(isinstance(row, list) and all(isinstance(x, int | float) for x in row) for row in rows):
            raise InputError(f"demo.{name} must be rows of numbers such as [[0,1],[1,0]], got {matrix}")
    worked = result(steps(picture, kernel, not cross_correlation))
    rows = [
        {"row": row, **dict(zip(map(str, range(len(cells))), cells, strict=True))} for row, cells in enumerate(worked)
    ]
    return Demo("Convolution by hand", rows, text=rendered(picture, kernel, not cross_correlation))


def paddings(
    kernel: int = 3, stride: int = 2, dilation: int = 1, factor: int | None = None, size: int | None = None
) -> Demo:
    """The paddings with which a convolution divides and a transposed convolution multiplies a side.

    Args:
        kernel: pixels.
        stride: pixels.
        dilation: pixels.
        factor: by which the side is divided or multiplied; None: the stride.
        size: the only side for which the rule must hold; None: all. For a side that is not a multiple there is only
            the transposed convolution.

    Raises:
        InputError: as ``padding.down``.
    """
    rules = {"transposed convolution": up(kernel, stride, dilation, factor, size)}
    by = stride if factor is None else factor
    divides = size is None or size % by == 0
    if divides:
        rules = {"convolution": down(kernel, stride, dilation, factor, size), **rules}
    rows = [
        {"layer": name, "padding": rule.padding, "output padding": rule.output_padding, "input": rule.size,
         "output": rule.produced, "wanted": rule.wanted} for name, rule in rules.items()
    ]  # fmt: skip
    words = f"kernel {kernel}, stride {stride}, dilation {dilation}"
    sentences = [f"{words}, {name}: {_exactness(name, rule)}" for name, rule in rules.items()]
    none = [] if divides else [f"{words}, convolution: none, because side {size} is not a multiple of {by}"]
    return Demo("Paddings", rows, [*none, *sentences])


def _exactness(name: str, rule: Padding) -> str:
    if not rule.exact:
        return f"none is exact; the nearest gives {rule.produced} for {rule.size} instead of {rule.wanted}"
    every = "every side" if name != "convolution" else f"every multiple of {rule.size // rule.wanted}"
    return f"exact, for {every if rule.every_size else f'the side {rule.size}'}"
