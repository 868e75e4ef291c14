"""Measures how colourful a picture is. H height, W width, P pixels."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from colourize.colour.colourfulness import colourfulness
from colourize.colour.lab import rgb_to_lab
from colourize.colour.tint import beyond_tint

LOOKED_AT = 64  # pixels of the longer side: averages out JPEG's chroma noise, and is fast
SHARE = 99  # per cent of the pixels, so that a small red flower makes a picture coloured
TINT = 4.0  # CIELAB units; less in a sepia JPEG of quality 70, more in 99.7 % of 4,000 photographs


@dataclass(frozen=True)
class Colours:
    """A picture's colours.

    Attributes:
        chroma: 99th percentile of the pixels' CIELAB chroma; 0 for greys, about 130 at most.
        beyond_tint: the same for the residual of a cubic fit to the lightness; near 0 for sepia.
        colourfulness: Hasler and Suesstrunk 2003; 0 grey, 15 slightly, 59 quite, 109 extremely colourful.
    """

    chroma: float
    beyond_tint: float
    colourfulness: float


def colours_of(image: Image.Image) -> Colours:
    """The colours of an RGB picture, measured on a copy of at most 64 pixels a side."""
    small = image.copy()
    small.thumbnail((LOOKED_AT, LOOKED_AT), Image.Resampling.BOX)
    rgb = torch.from_numpy(np.array(small)).movedim(2, 0)[None] / 255
    lab = rgb_to_lab(rgb)[0].flatten(1).T.double().numpy()
    return Colours(
        chroma=_spread(lab[:, 1:]),
        beyond_tint=_spread(beyond_tint(lab, degree=3)),
        colourfulness=round(float(colourfulness(rgb)), 2),
    )


def _spread(ab: np.ndarray) -> float:
    return round(float(np.percentile(np.linalg.norm(ab, axis=1), SHARE)), 2)
