"""Turns pictures upright: applies the display matrix that cameras write into a film. H height, W width."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Turn(NamedTuple):
    """One of the eight orientations of a rectangle: transposed first, then mirrored."""

    transposed: bool
    upside_down: bool
    mirrored: bool


IDENTITY = Turn(False, False, False)


def of_matrix(matrix: Sequence[int]) -> Turn:
    """The turn nearest to a display matrix (a, b, u, c, d, v, x, y, w), which shows a stored pixel (p, q) at
    (a p + c q + x, b p + d q + y) (ISO 14496-12, 6.2.2). Other angles are rounded to a quarter turn.
    """
    a, b, _, c, d = matrix[:5]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Turn(True, b < 0, c < 0)
    return Turn(False, d < 0, a < 0)


def turned(picture: NDArray[np.uint8], turn: Turn) -> NDArray[np.uint8]:
    """The upright picture: [H, W, C] -> [H, W, C] or [W, H, C]."""
    upright = picture.swapaxes(0, 1) if turn.transposed else picture
    upright = upright[:: -1 if turn.upside_down else 1, :: -1 if turn.mirrored else 1]
    return np.ascontiguousarray(upright)
