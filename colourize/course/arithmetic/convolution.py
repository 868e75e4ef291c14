"""A convolution by hand with all steps (CSC413 2023, assignment 2, question 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from colourize.errors import InputError

Number = int | float
Matrix = Sequence[Sequence[Number]]

HANDOUT = [[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]  # its I
FILTERS: dict[str, list[list[Number]]] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": [[1 / 9] * 3] * 3,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],  # the handout's J
    "edges": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "vertical_edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],  # Sobel's
    "horizontal_edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
}


@dataclass(frozen=True)
class Step:
    """One output pixel: window [k, k'] of the zero-padded picture, weights [k, k'], sum of their products."""

    row: int
    column: int
    window: list[list[Number]]
    weights: list[list[Number]]
    total: Number


def steps(image: Matrix, kernel: Matrix, flip: bool = True) -> list[Step]:
    """Every step of a zero-padded convolution, row by row: image [H, W], kernel [k, k'] -> H * W steps.

    Convolution turns the kernel by 180 degrees: ``out[r, c] = sum_ij I[r - i, c - j] J[i, j]``, i and j from its
    centre. Cross-correlation (``flip=False``) does not turn it; torch calls this a convolution. The padding keeps the
    size: (k - 1) // 2 zeros before, k // 2 after.

    Raises:
        InputError: a matrix is empty, or its rows differ in length.
    """
    for name, matrix in (("image", image), ("kernel", kernel)):
        if not matrix or not matrix[0] or len({len(row) for row in matrix}) != 1:
            raise InputError(f"{name} must be a matrix, got {matrix}; pass rows of equal length")
    height, width = len(kernel), len(kernel[0])
    weights = [list(row[::-1] if flip else row) for row in (kernel[::-1] if flip else kernel)]
    return [
        _step(image, weights, row, column, row - (height - 1) // 2, column - (width - 1) // 2)
        for row in range(len(image))
        for column in range(len(image[0]))
    ]


def _step(image: Matrix, weights: list[list[Number]], row: int, column: int, top: int, left: int) -> Step:
    def pixel(r: int, c: int) -> Number:
        return image[r][c] if 0 <= r < len(image) and 0 <= c < len(image[0]) else 0

    window = [[pixel(top + i, left + j) for j in range(len(weights[0]))] for i in range(len(weights))]
    pairs = [(w, x) for wide, line in zip(weights, window, strict=True) for w, x in zip(wide, line, strict=True)]
    return Step(row, column, window, weights, sum(w * x for w, x in pairs))


def result(worked: Sequence[Step]) -> list[list[Number]]:
    """The output of ``steps`` as a matrix [H, W]."""
    rows: list[list[Number]] = []
    for step in worked:
        if step.column == 0:
            rows.append([])
        rows[-1].append(step.total)
    return rows


def meaning(kernel: Matrix, flip: bool = True) -> str:
    """The effect of a filter [k, k'] in words, for the usual kinds of filter; ``flip`` as in ``steps``."""
    values = [value for row in kernel for value in row]
    total, largest = sum(values), max(abs(value) for value in values)
    if not largest:
        return "nothing: every output is 0"
    if sum(value != 0 for value in values) == 1:
        return _of_one_weight(kernel, flip)
    if all(value >= 0 for value in values):
        return "blur: every pixel becomes a weighted mean of its neighbourhood" + _scaled(total)
    if abs(total) < 1e-9 * largest:
        return "edges: 0 where the picture is constant, large where it changes"
    if total > 0 and _only_its_centre_is_positive(kernel):
        constant = "constant areas stay" if _is_one(total) else f"constant areas become {total:g} times as bright"
        return f"sharpen: a pixel's difference from its neighbours is added to it, {constant}"
    return "none of the usual filters"


def _of_one_weight(kernel: Matrix, flip: bool) -> str:
    ((row, column, weight),) = [(i, j, w) for i, wide in enumerate(kernel) for j, w in enumerate(wide) if w]
    middles = [side // 2 if flip else (side - 1) // 2 for side in (len(kernel), len(kernel[0]))]
    down, right = row - middles[0], column - middles[1]
    if not flip:  # without the turn, a weight below the centre reads the pixel below
        down, right = -down, -right
    if not (down or right):
        return "identity: no pixel changes" if _is_one(weight) else f"scales the picture: times {weight:g}"
    ways = [f"{abs(by)} {name[by < 0]}" for by, name in ((down, ("down", "up")), (right, ("right", "left"))) if by]
    return f"moves the picture: {' and '.join(ways)}" + _scaled(weight)


def _only_its_centre_is_positive(kernel: Matrix) -> bool:
    height, width = len(kernel), len(kernel[0])
    positive = [(i, j) for i, row in enumerate(kernel) for j, value in enumerate(row) if value > 0]
    return height % 2 == width % 2 == 1 and positive == [(height // 2, width // 2)]


def _is_one(factor: Number) -> bool:
    return abs(factor - 1) < 1e-9


def _scaled(factor: Number) -> str:
    return "" if _is_one(factor) else f", times {factor:g}"


def rendered(image: Matrix, kernel: Matrix, flip: bool = True) -> str:
    """The calculation as text: picture [H, W], filter [k, k'], effect of the filter, products of each step, output."""
    worked = steps(image, kernel, flip)
    name = "convolution" if flip else "cross-correlation"
    lines = ["I =", *_rows(image), "J =", *_rows(kernel), f"what it does: {meaning(kernel, flip)}", ""]
    same = worked[0].weights == [list(row) for row in kernel]
    if flip and not same:
        lines += ["J turned by 180 degrees =", *_rows(worked[0].weights), ""]
    elif flip:
        lines += ["J turned by 180 degrees is J: convolution and cross-correlation are the same", ""]
    lines += [f"{name}, zeros around I, row and column from 0, weight x pixel where the weight is not 0:"]
    lines += [f"({step.row}, {step.column})  {_products(step)} = {step.total:g}" for step in worked]
    return "\n".join([*lines, "", f"I {'*' if flip else '(x)'} J =", *_rows(result(worked))])


def _products(step: Step) -> str:
    cells = [
        f"{weight:.3g}x{pixel:g}" if weight >= 0 else f"({weight:.3g})x{pixel:g}"
        for weights, pixels in zip(step.weights, step.window, strict=True)
        for weight, pixel in zip(weights, pixels, strict=True)
        if weight
    ]
    return " + ".join(cells) or "0"


def matrix(values: Matrix) -> str:
    """Rows of numbers as text."""
    return "\n".join(_rows(values))


def _rows(values: Matrix) -> list[str]:
    cells = [[f"{value:.4g}" for value in row] for row in values]
    width = max(len(cell) for row in cells for cell in row)
    return ["  " + " ".join(cell.rjust(width) for cell in row) for row in cells]
