"""Pictures as loggers take them, and names of files for them."""

import re

import numpy as np
from torch import Tensor


def as_image(picture: Tensor) -> np.ndarray:
    """A picture, float [3, H, W] in [0, 1], as uint8 [H, W, 3]."""
    scaled = picture.detach().float().cpu().clamp(0, 1).mul(255).round().byte()
    return np.ascontiguousarray(scaled.permute(1, 2, 0).numpy())


def file_name(name: str) -> str:
    """A name of a curve or picture for a file: "val/grey, true" -> "val-grey-true"."""
    return re.sub(r"\W+", "-", name, flags=re.ASCII).strip("-")
