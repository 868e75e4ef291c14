"""Motion between two frames of a film. h, w pixels of a small grey picture, H, W cells of a network's output."""

import numpy as np
from numpy.typing import NDArray

from colourize.inference.space import Floats

SIDE = 128  # shorter side, in pixels, of the pictures on which motion is estimated: less than 0.1 s on one core
RADIUS = 8  # of the window, in pixels of these pictures
WARPS = 3


def backward(before: Floats, now: Floats) -> Floats:
    """The optical flow v from each pixel to its previous position, in pixels: before(x + v) = now(x).

    Le Besnerais and Champagnat 2005, coarse to fine, by scikit-image's ``optical_flow_ilk``.

    Args:
        before, now: greys in [0, 1], [h, w].

    Returns:
        Rows and columns, float32 [2, h, w].
    """
    from skimage.registration import optical_flow_ilk

    flow = optical_flow_ilk(now, before, radius=RADIUS, num_warp=WARPS, dtype=np.float32)
    return np.asarray(flow, np.float32)


def places(shape: tuple[int, int]) -> Floats:
    """Row and column of every cell: float32 [2, H, W]."""
    return np.indices(shape, np.float32)


def at_cells(flow: Floats, content: tuple[float, float], shape: tuple[int, int]) -> Floats:
    """The previous position of each cell, in cells: flow [2, h, w] of a picture -> float32 [2, H, W].

    Args:
        flow: from ``backward``.
        content: height and width of the picture in cells; the other cells are padding.
        shape: H and W.
    """
    sides = np.array(flow.shape[1:], np.float32)[:, None, None]
    ratio = sides / np.array(content, np.float32)[:, None, None]
    centres = places(shape)
    moved: Floats = centres + sampled(flow, (centres + np.float32(0.5)) * ratio - np.float32(0.5)) / ratio
    return moved


def sampled(values: Floats, at: Floats) -> Floats:
    """Values at positions, bilinear; outside, those of the border: [C, h, w], positions [2, H, W] -> [C, H, W]."""
    height, width = values.shape[1:]
    top, below, down = _between(at[0], height)
    left, right, across = _between(at[1], width)
    upper = values[:, top, left] * (1 - across) + values[:, top, right] * across
    lower = values[:, below, left] * (1 - across) + values[:, below, right] * across
    return (upper * (1 - down) + lower * down).astype(np.float32)


def mirrored(at: Floats, shape: tuple[int, int]) -> Floats:
    """Positions, those outside mirrored at the border: [2, ...] -> [2, ...] in [0, H - 1] and [0, W - 1]."""
    last = np.array(shape, np.float32).reshape(2, *[1] * (at.ndim - 1)) - 1
    folded: Floats = last - np.abs(at % np.maximum(2 * last, 1) - last)
    return folded.clip(0, last)


def inside(at: Floats, content: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether positions are inside the picture, to half a cell: [2, H, W] -> bool [H, W]."""
    within = (at >= -0.5) & (at <= np.array(content)[:, None, None] - 0.5)
    return within[0] & within[1]


def _between(at: Floats, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    place = np.clip(at, 0, side - 1)
    lower = np.minimum(place.astype(np.intp), max(side - 2, 0))
    return lower, np.minimum(lower + 1, side - 1), (place - lower).astype(np.float32)
