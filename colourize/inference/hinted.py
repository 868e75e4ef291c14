"""Hints: colours that a user gives at pixels of a picture. h, w working pixels or cells, K colours."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from colourize import files
from colourize.errors import InputError, shown
from colourize.inference import decoded, space
from colourize.inference.space import Floats
from colourize.inference.working import Seen

REACH = 0.25  # sigma of a hint's spread in distance, as a share of the shorter side
TONES = 12.0  # sigma of its spread in lightness, units of L
PATCH = 5  # working pixels: side of a hint in the input of a network trained with hints, which saw sides of 1 to 9
MOST = 1000
_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")


class Hint(NamedTuple):
    """A colour at a pixel of the upright picture: x to the right and y down, from 0; 8-bit sRGB."""

    x: int
    y: int
    rgb: tuple[int, int, int]


def parsed(text: str) -> Hint:
    """Parses a hint such as ``120,80,#c03020``; raises InputError for any other text."""
    x, _, rest = text.partition(",")
    y, _, colour = rest.partition(",")
    return _checked(x, y, colour, shown(text))


def read(path: Path) -> list[Hint]:
    """Hints of a JSON file: [{"x": 120, "y": 80, "colour": "#c03020"}, ...].

    Raises:
        InputError: the file does not exist or holds something else.
    """
    try:
        entries = files.read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a JSON file of hints ({error}); pass another file") from error
    rule = '[{"x": 120, "y": 80, "colour": "#c03020"}, ...]'
    if not isinstance(entries, list) or len(entries) > MOST or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path} must contain up to {MOST} hints like {rule}; pass another file")
    return [
        _checked(entry.get("x"), entry.get("y"), entry.get("colour"), f"hint {number} of {files.printable(str(path))}")
        for number, entry in enumerate(entries, 1)
    ]


def _checked(x: object, y: object, colour: object, whole: str) -> Hint:
    found = _COLOUR.fullmatch(colour.strip()) if isinstance(colour, str) else None
    try:
        if found is None or isinstance(x, bool) or isinstance(y, bool):
            raise ValueError
        column, row = (int(value) for value in (x, y) if isinstance(value, str | int))
    except ValueError:
        raise InputError(f"a hint must be x,y,#rrggbb, got {whole}; pass for example 120,80,#c03020") from None
    value = int(found[1], 16)
    return Hint(column, row, (value >> 16, value >> 8 & 255, value & 255))


def _cell(hint: Hint, view: Seen, height: int, width: int) -> tuple[int, int]:
    """Row and column of a hint on a grid of [height, width] over the padded picture.

    Raises:
        InputError: a hint outside the picture.
    """
    if not (0 <= hint.x < view.size[1] and 0 <= hint.y < view.size[0]):
        raise InputError(
            f"a hint must be in the picture of {view.size[1]} x {view.size[0]} pixels, got {hint.x},{hint.y}; "
            "pass x from the left and y from the top, from 0"
        )
    row = (hint.y + 0.5) / view.size[0] * view.content[0] / view.grey.shape[0] * height
    column = (hint.x + 0.5) / view.size[1] * view.content[1] / view.grey.shape[1] * width
    return min(int(row), height - 1), min(int(column), width - 1)


def channels(hints: Sequence[Hint], view: Seen) -> Floats:
    """The input of a network trained with hints: RGB in [0, 1] and a mask, float32 [4, h, w]."""
    height, width = view.grey.shape
    planes = np.zeros((4, height, width), np.float32)
    for hint in hints:
        row, column = _cell(hint, view, height, width)
        rows, columns = (slice(max(at - PATCH // 2, 0), at + PATCH // 2 + 1) for at in (row, column))
        planes[:, rows, columns] = np.array([*(value / 256 for value in hint.rgb), 1], np.float32)[:, None, None]
    return planes


def spread(chroma: Floats, logits: Floats, lightness: Floats, hints: Sequence[Hint], view: Seen) -> Floats:
    """Chroma with the hints applied, which spread to nearby cells of similar lightness and similar probabilities.

    A hint's weight at a cell is exp(-d^2 / 2 (REACH side)^2 - dL^2 / 2 TONES^2) times the Bhattacharyya coefficient of
    both cells' probabilities. The correction of a cell is the mean of all hints' corrections, weighted by the odds of
    their weights and multiplied by the largest weight. So each hint is exact in its own cell.

    Args:
        chroma: [2, h, w].
        logits: [K, h, w].
        lightness: [h, w], L in [0, 100].
        hints: at least one.
        view: the picture.
    """
    odds, largest, sums = (np.zeros(shape) for shape in (lightness.shape, lightness.shape, (2, *lightness.shape)))
    for hint, (row, column), weight in _weights(logits, lightness, hints, view):
        wanted = space.lab(np.array(hint.rgb, np.float64) / 255)[1:]
        share = weight / (1 - weight)
        sums += share * (wanted - chroma[:, row, column])[:, None, None]
        odds = odds + share
        largest = np.maximum(largest, weight)
    correction = sums / np.maximum(odds, math.ulp(1.0))
    return (chroma + largest * correction).astype(np.float32)


def influence(logits: Floats, lightness: Floats, hints: Sequence[Hint], view: Seen) -> Floats:
    """The largest weight of a hint at each cell, as in ``spread``: float32 [h, w] in [0, 1)."""
    weights = [weight for _, _, weight in _weights(logits, lightness, hints, view)]
    largest: Floats = np.max(weights, axis=0).astype(np.float32)
    return largest


def _weights(
    logits: Floats, lightness: Floats, hints: Sequence[Hint], view: Seen
) -> Iterator[tuple[Hint, tuple[int, int], NDArray[np.float64]]]:
    """Each hint, its cell, and its weights [h, w] in [0, 1)."""
    height, width = lightness.shape
    roots = np.sqrt(decoded.probabilities(logits))
    rows, columns = np.mgrid[:height, :width]
    for hint in hints:
        row, column = _cell(hint, view, height, width)
        distance = (rows - row) ** 2 + (columns - column) ** 2
        reach = REACH * min(height, width)
        exponent = distance / (2 * reach**2) + (lightness - lightness[row, column]) ** 2 / (2 * TONES**2)
        alike = (roots * roots[:, row, column][:, None, None]).sum(0)
        weight = np.minimum(np.exp(-exponent) * alike, 1 - 1e-6)
        weight[row, column] = 1 - 1e-9
        yield hint, (row, column), weight
