"""Answers without a network: a convolution (3.1) and the paddings that keep a shape (5.4)."""

import sympy

from colourize.course.answers import Answer
from colourize.course.arithmetic.convolution import FILTERS, HANDOUT, matrix, meaning, result, steps
from colourize.models.padding import down, up

K, S, D = sympy.symbols("k s d", positive=True, integer=True)
EXTENT = D * (K - 1)  # extent of a window minus one pixel
PADDING = sympy.Max(0, sympy.ceiling((EXTENT + 1 - S) / 2))
KERNELS = 3, 4, 5  # the kernel of the assignment, and the two in its question


def convolution() -> Answer:
    """3.1."""
    sharpen = FILTERS["sharpen"]
    return Answer(
        "A convolution with zero padding, by hand",
        [
            "(I * J)[r, c] is the sum over i, j of I[r - i, c - j] J[i, j]: turn J by 180 degrees, centre it on each "
            "pixel, multiply and add. I is 0 outside of its border.",
            f"The effect of this J: {meaning(sharpen)}.",
        ],
        blocks=["I * J =", matrix(result(steps(HANDOUT, sharpen)))],
        more=["colourize theory demo=convolution"],
    )


def paddings() -> Answer:
    """5.4."""
    rows = [["kernel", "padding of both", "output_padding of the transposed"]]
    rows += [[str(k), str(down(k).padding), str(up(k).output_padding)] for k in KERNELS]
    return Answer(
        "Paddings that keep every shape, for kernel k, stride s, dilation d",
        [
            "A convolution turns H rows into floor((H + 2*padding - d*(k - 1) - 1)/s) + 1, which must be H/s. A "
            "transposed convolution gives (H - 1)*s - 2*padding + d*(k - 1) + 1 + output_padding, which must be s*H. "
            "Solved for both paddings:",
        ],
        {"padding": PADDING, "output_padding": "2*padding - (d*(k - 1) + 1 - s)"},
        rows,
        notes=[
            "The table is for s = 2, d = 1, where padding is (k - 1)//2 and output_padding is k % 2. For s = 1, d = 1 "
            "and an even kernel no such padding exists: it needs one more zero after the picture than before."
        ],
        more=["colourize theory demo=padding demo.kernel=4 demo.dilation=3"],
    )


ANSWERS = {"3.1": convolution, "5.4": paddings}
