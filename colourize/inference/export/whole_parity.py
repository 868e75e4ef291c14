"""Compares the colours of a whole graph with those that ``colourize photo`` gives. H height, W width."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.errors import InputError
from colourize.inference import colouring, space
from colourize.inference.export.whole_graph import INPUT
from colourize.inference.predictor import Predictor

MEAN, LARGEST = 0.1, 4  # levels of 255 that a lossless form may differ by
Picture = NDArray[np.uint8]


class ColourDifference(NamedTuple):
    """The difference of colours in levels of 255: mean and largest over all pixels and channels, number of pictures."""

    mean: float
    largest: float
    pictures: int


def compared(content: bytes, predictor: Predictor, pictures: Sequence[Picture]) -> ColourDifference:
    """Colours pictures with a whole graph and with the network itself, every second one at twice its size.

    Args:
        content: of the .onnx file.
        predictor: the network.
        pictures: uint8 [H, W, 3] each.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    total, largest, values = 0.0, 0.0, 0
    for number, picture in enumerate(pictures):
        grey = _grey(picture, 1 + number % 2)
        (found,) = session.run(None, {INPUT: (grey / np.float32(255))[None, None]})
        expected = colouring.coloured(predictor, grey).pictures[0]
        change = np.abs(np.rint(np.moveaxis(found[0], 0, -1) * 255) - expected)
        total, largest, values = total + float(change.sum()), max(largest, float(change.max())), values + change.size
    return ColourDifference(total / values, largest, len(pictures))


def _grey(picture: Picture, times: int) -> Picture:
    image = Image.fromarray(picture)
    larger = np.asarray(image.resize((times * image.width, times * image.height), Image.Resampling.BICUBIC))
    levels = space.grey_levels(larger)
    return np.rint(levels * (255 / space.white_of(levels))).astype(np.uint8)


def check(difference: ColourDifference, lossy: bool = False) -> None:
    """Refuses a whole graph whose colours are not those of ``colourize photo``.

    Raises:
        InputError: colours differ by more than 0.1 levels in the mean or 4 at most; with ``lossy``, that they are not
            finite.
    """
    mean, largest = (np.inf, np.inf) if lossy else (MEAN, LARGEST)
    if not (difference.mean <= mean and difference.largest <= largest and np.isfinite(difference.largest)):
        raise InputError(
            f"the whole graph's colours differ by {difference.mean:.2g} levels in the mean and "
            f"{difference.largest:.2g} at most, and <= {MEAN:g} and {LARGEST:g} are allowed: "
            "nothing is written; leave --whole out"
        )


def sentence(difference: ColourDifference) -> str:
    """The difference as the end of a sentence."""
    return f"colours differ by {difference.mean:.2g} levels of 255 in the mean, {difference.largest:.2g} at most"
