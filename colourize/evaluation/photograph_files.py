"""Photographs of a folder, one by one, as a network sees them. H height, W width, S the network's stride."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colourize.data.kinds import scan
from colourize.data.read import UnreadablePicture, read_rgb, square


def photographs(
    folder: Path, size: int | None, cut: bool, stride: int, unreadable: list[tuple[str, str]]
) -> Iterator[tuple[str, Tensor]]:
    """Paths and photographs, uint8 [1, H, W, 3]; up to S - 1 last rows and columns are cut, so S divides H and W."""
    paths, _ = scan(folder, called="")
    for path in paths:
        try:
            image = read_rgb(folder / path, at_least=size)
        except UnreadablePicture as error:
            unreadable.append((path, str(error)))
            continue
        pixels = np.asarray(scaled(image, size, cut))
        height, width = (max(stride, side - side % stride) for side in pixels.shape[:2])
        short = [(0, max(0, wanted - side)) for wanted, side in zip((height, width), pixels.shape[:2], strict=True)]
        yield path, torch.from_numpy(np.pad(pixels, [*short, (0, 0)], mode="edge")[None, :height, :width])


def scaled(image: Image.Image, size: int | None, cut: bool) -> Image.Image:
    """A picture with its shorter side scaled to ``size``, the centre square of it with ``cut``."""
    if cut:
        return square(image, size or min(image.size))
    if size is None:
        return image
    factor = size / min(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)
