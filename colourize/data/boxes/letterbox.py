"""Pictures of any size as squares: scaled to the longer side, with grey below or at the right. H height, W width."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.models.yolox import FILL

Picture = NDArray[np.uint8]


def letterboxed(picture: Picture, side: int) -> tuple[Picture, float]:
    """A picture in the top left corner of a square, and the factor of its scale.

    Args:
        picture: uint8 [H, W, 3].
        side: of the square, in pixels.

    Returns:
        uint8 [side, side, 3], and the pixels of the square for one of the picture.
    """
    scale = side / max(picture.shape[:2])
    square = np.full((side, side, 3), FILL, np.uint8)
    small = resized(picture, scale)[:side, :side]
    square[: small.shape[0], : small.shape[1]] = small
    return square, scale


def resized(picture: Picture, scale: float) -> Picture:
    """A picture scaled by a factor, bilinear: uint8 [H, W, 3] -> [scale H, scale W, 3], at least one pixel."""
    height, width = (max(1, round(scale * length)) for length in picture.shape[:2])
    if (height, width) == picture.shape[:2]:
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
