"""The picture of ``--uncertainty``: the entropy of each cell in colours, on a fixed scale. h, w cells; H, W pixels."""

import numpy as np
from numpy.typing import NDArray

from colourize.inference.space import Floats
from colourize.inference.working import resized

# matplotlib's inferno (CC0) at 0, 1/8, ... 1: black, violet, red, orange, pale yellow. Between them it is interpolated.
STOPS = np.array(
    [[0, 0, 4], [33, 12, 74], [87, 16, 110], [138, 34, 106], [188, 55, 84],
     [228, 90, 49], [249, 142, 9], [249, 203, 53], [252, 255, 164]]
)  # fmt: skip


def picture(entropy: Floats, height: int, width: int) -> NDArray[np.uint8]:
    """Colours from black, entropy 0, to pale yellow, all colours equally likely: [h, w] in [0, 1] -> [H, W, 3]."""
    share = resized(np.rint(entropy * 65535).astype(np.uint16), height, width)
    places = np.linspace(0, 1, len(STOPS))
    table = np.stack([np.interp(np.linspace(0, 1, 256), places, channel) for channel in STOPS.T], -1)
    colours: NDArray[np.uint8] = np.rint(table).astype(np.uint8)[np.rint(share * 255).astype(np.uint8)]
    return colours
