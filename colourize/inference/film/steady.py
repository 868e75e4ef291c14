"""Steady colours: a network's probabilities averaged over the frames of a shot. K colours, H, W cells.

Probabilities are averaged, not colours: the average of a blue and a red frame is unsure between both, and the decoding
still chooses one; the average of their colours is a grey that neither frame had.
"""

from typing import NamedTuple

import numpy as np

from colourize.errors import InputError
from colourize.inference.film import motion
from colourize.inference.film.cuts import is_cut
from colourize.inference.space import Floats

WAYS = "flow", "time", "off"
FRAMES = 12.0  # over which is averaged, at most: half a second
TOLERANCE = 6.0  # of CIELAB's L: a pixel whose lightness changes by more is taken for another thing


class Past(NamedTuple):
    """What a frame leaves to the next: averaged probabilities [K, H, W], number of frames in them [H, W], lightness of
    the cells [H, W], the small grey picture [h, w] in [0, 1], and where the noise of a sample is taken from: rows and
    columns [2, H, W] in cells, which move along and may lie outside."""

    shares: Floats
    frames: Floats
    lightness: Floats
    grey: Floats
    origin: Floats


def first(shares: Floats, lightness: Floats, grey: Floats) -> Past:
    """The past after a shot's first frame, which is as the network sees it."""
    return Past(shares, np.ones_like(lightness), lightness, grey, motion.places(_shape(lightness)))


def averaged(
    past: Past | None, shares: Floats, lightness: Floats, grey: Floats, content: tuple[float, float], way: str = "flow"
) -> Past:
    """The mean of this frame and those before, of each thing in the picture.

    Of a cell, s = (n s' + p) / (n + 1): p are the probabilities of this frame, s' the average where the cell was in
    the frame before (way flow: along the optical flow; time: at the same place), n = min(n' g, 11) how many frames
    that average holds, and g = exp(-(dL / 6)^2) how far the lightness there is still the same. A cut starts anew.

    Args:
        past: of the frame before; None for the first.
        shares: probabilities, [K, H, W].
        lightness: mean L of the cells, [H, W] in [0, 100].
        grey: the small picture in which motion and cuts are looked for, [h, w] in [0, 1].
        content: cells that the picture takes, height and width.
        way: flow, time or off.

    Raises:
        InputError: another way.
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
    """The past as it would be seen now, and 1 for the cells that were in the picture, else 0: [H, W]."""
    at = motion.at_cells(motion.backward(past.grey, grey), content, _shape(past.lightness))
    moved = motion.sampled(np.concatenate([past.shares, past.frames[None], past.lightness[None], past.origin]), at)
    there = motion.inside(at, content).astype(np.float32)
    return Past(moved[:-4], moved[-4], moved[-3], past.grey, moved[-2:]), there


def _origin(moved: Floats, same: Floats) -> Floats:
    """Origins that have moved along, [2, H, W]. What has come into sight, where ``same`` [H, W] < 0.5, takes the
    place that it would have if it had moved like the most of the picture."""
    place = motion.places(_shape(same))
    known = same >= 0.5
    if not known.any():
        return place
    drift = np.median((moved - place)[:, known], axis=1)[:, None, None]
    return np.where(known, moved, place + drift).astype(np.float32)


def _shape(cells: Floats) -> tuple[int, int]:
    return cells.shape[0], cells.shape[1]
