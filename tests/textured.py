"""Colourful, structured pictures, all different: a perceptual hash distinguishes them."""

from pathlib import Path

import numpy as np
from PIL import Image


def textured(seed: int, width: int = 48, height: int = 40) -> Image.Image:
    """A smooth picture of random colours; each seed gives another picture."""
    waves = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(waves).resize((width, height), Image.Resampling.BICUBIC)


def save(image: Image.Image, path: Path, **options: object) -> Path:
    """Writes a picture, and creates its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path
