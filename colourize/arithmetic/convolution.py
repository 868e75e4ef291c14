"""A convolution worked out by hand, step by step, as the course asks for it (CSC413 2023, assignment 2, 3.1)."""

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
    """One output: the window of the zero-padded picture, the weights that lie on it, and the sum of the products."""

    row: int
    column: int
    window: list[list[Number]]
    weights: list[list[Number]]
    total: Number


def steps(image: Matrix, kernel: Matrix, flip: bool = True) -> list[Step]:
    """Every step of a zero-padded convolution that keeps the picture's size; row by row.

    Convolution turns the filter by 180 degrees, ``out[r, c] = sum_ij I[r - i, c - j] J[i, j]`` about its centre;
    cross-correlation (``flip=False``), which is what torch calls a convolution, lays it on as it is. Zeros: (k-1)//2
    before, k//2 behind.

    Raises:
        InputError: a matrix that is empty or has rows of different lengths.
    """
    for name, matrix in (("image", image), ("kernel", kernel)):
        if not matrix or not matrix[0] or len({len(row) for row in matrix}) != 1:
            raise InputError(f"{name}={matrix} is no matrix; pass rows of equal length")
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
    """The output as a matrix."""
    rows: list[list[Number]] = []
    for step in worked:
        if step.column == 0:
            rows.append([])
        rows[-1].append(step.total)
    return rows


def meaning(kernel: Matrix) -> str:
    """What a filter does, in words, where it is one of the usual kinds."""
    values = [value for row in kernel for value in row]
    total, around = sum(values), [value for value in values if value]
    centre = kernel[len(kernel) // 2][len(kernel[0]) // 2]
    odd = len(kernel) % 2 == len(kernel[0]) % 2 == 1
    if not around:
        return "nothing: every output is 0"
    if len(around) == 1:
        if odd and centre == 1:
            return "identity: every pixel stays as it is"
        return "moves the picture" if not centre and around[0] == 1 else "scales the picture" if centre else "moves it"
    if all(value >= 0 for value in values):
        return "blur: every pixel becomes a weighted mean of its neighbourhood" + _scaled(total)
    if abs(total) < 1e-9:
        return "edges: 0 where the picture is constant, large where it changes"
    if odd and centre > 0 and all(value <= 0 for value in _without_centre(kernel)):
        return "sharpen: a pixel's difference to its neighbours is added to it, constant areas stay" + _scaled(total)
    return "none of the usual filters"


def _without_centre(kernel: Matrix) -> list[Number]:
    middle = len(kernel) // 2, len(kernel[0]) // 2
    return [value for i, row in enumerate(kernel) for j, value in enumerate(row) if (i, j) != middle]


def _scaled(total: Number) -> str:
    return "" if abs(total - 1) < 1e-9 else f", times {total:g}"


def rendered(image: Matrix, kernel: Matrix, flip: bool = True) -> str:
    """The whole calculation as text: picture, filter, every step's products, the output, what the filter does."""
    worked = steps(image, kernel, flip)
    name = "convolution" if flip else "cross-correlation"
    lines = ["I =", *_rows(image), "J =", *_rows(kernel), f"what it does: {meaning(kernel)}", ""]
    same = worked[0].weights == [list(row) for row in kernel]
    if flip and not same:
        lines += ["J turned by 180 degrees =", *_rows(worked[0].weights), ""]
    elif flip:
        lines += ["J turned by 180 degrees is J: convolution and cross-correlation are the same", ""]
    lines += [f"{name}, zeros round I, row and column from 0, weight x pixel where the weight is not 0:"]
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


def _rows(matrix: Matrix) -> list[str]:
    cells = [[f"{value:.4g}" for value in row] for row in matrix]
    width = max(len(cell) for row in cells for cell in row)
    return ["  " + " ".join(cell.rjust(width) for cell in row) for row in cells]
