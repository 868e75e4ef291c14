"""Steady colours: a network's probabilities averaged over the frames of a shot. K colours, H, W cells.

Probabilities are averaged, not colours. If one frame says blue and the next one red, the decoding of the averaged
probabilities still chooses one of them, while averaged colours would be a grey that neither frame had.
"""

from typing import NamedTuple

import numpy as np

from colourize.errors import InputError
from colourize.inference.film import motion
from colourize.inference.film.cuts import is_cut
from colourize.inference.space import Floats

WAYS = "flow", "time", "off"
FRAMES = 12.0  # most frames in an average: half a second
TOLERANCE = 6.0  # units of CIELAB's L: a cell whose lightness changes by more probably shows another object


class Past(NamedTuple):
    """The values of this frame for the next one: averaged probabilities [K, H, W], number of frames in them [H, W],
    lightness of the cells [H, W], the small grey picture [h, w] in [0, 1], and the row and column [2, H, W], in cells,
    at which each cell reads the noise of a sample. They move with the picture and may lie outside."""

    shares: Floats
    frames: Floats
    lightness: Floats
    grey: Floats
    origin: Floats


def first(shares: Floats, lightness: Floats, grey: Floats) -> Past:
    """The past after a shot's first frame, whose probabilities are the network's."""
    return Past(shares, np.ones_like(lightness), lightness, grey, motion.places(_shape(lightness)))


def averaged(
    past: Past | None, shares: Floats, lightness: Floats, grey: Floats, content: tuple[float, float], way: str = "flow"
) -> Past:
    """Averages the probabilities of this frame and those before.

    In each cell, s = (n s' + p) / (n + 1): p are the probabilities of this frame, s' is the average at the cell's
    position in the frame before (way flow: along the optical flow; time: at the same position), n = min(n' g, 11) is
    the number of frames in that average, and g = exp(-(dL / 6)^2) is near 1 where the lightness stays. A cut restarts
    the average.

    Args:
        past: of the frame before; None for the first.
        shares: probabilities, [K, H, W].
        lightness: mean L of the cells, [H, W] in [0, 100].
        grey: the small picture on which motion and cuts are found, [h, w] in [0, 1].
        content: height and width of the picture in cells.
        way: flow, time or off.

    Raises:
        InputError: an unknown way.
    """
    if way not in WAYS:
        raise InputError(f"--steady must be one of {', '.join(WAYS)}, got {way!r}")
    if past is None or way == "off" or is_cut(past.grey, grey):
        return first(shares, lightness, grey)
    before, there = _moved(past, grey, content) if way == "flow" else (past, np.ones_like(lightness))
    same = np.exp(-(((lightness - before.lightness) / np.float32(TOLERANCE)) ** 2)) * there
    frames = np.minimum(before.frames * same, np.float32(FRAMES - 1))
    mean = ((before.shares * frames + shares) / (frames + 1)).astype(np.float32)
    origin = _origin(before.origin, same) if way == "flow" else before.origin
    return Past(mean, (frames + 1).astype(np.float32), lightness, grey, origin)


def _moved(past: Past, grey: Floats, content: tuple[float, float]) -> tuple[Past, Floats]:
    """The past moved to the present positions, and 1 for the cells that were in the picture, else 0: [H, W]."""
    at = motion.at_cells(motion.backward(past.grey, grey), content, _shape(past.lightness))
    moved = motion.sampled(np.concatenate([past.shares, past.frames[None], past.lightness[None], past.origin]), at)
    there = motion.inside(at, content).astype(np.float32)
    return Past(moved[:-4], moved[-4], moved[-3], past.grey, moved[-2:]), there


def _origin(moved: Floats, same: Floats) -> Floats:
    """Positions of the noise, moved with the picture, [2, H, W]. A newly visible cell, where ``same`` [H, W] < 0.5,
    gets the position that the median motion of the picture gives."""
    place = motion.places(_shape(same))
    known = same >= 0.5
    if not known.any():
        return place
    drift = np.median((moved - place)[:, known], axis=1)[:, None, None]
    return np.where(known, moved, place + drift).astype(np.float32)


def _shape(cells: Floats) -> tuple[int, int]:
    return cells.shape[0], cells.shape[1]
