"""Reads the ten pictures that each run colours from TensorBoard's files, which unfinished runs have, too."""

import base64
import io
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from colourize.data.read import read_rgb
from colourize.errors import one_line

log = logging.getLogger(__name__)
TAG, OLD_TAG = "val/grey, true, predicted", "grey, true, predicted"
LARGEST, MOST_PIXELS = 1 << 30, 1 << 26  # bytes of a file of events, pixels of its pictures
ZOOM = 3
"""The zoom of ``figures.picture_grid``; before it, pictures are one pixel apart."""


class Strips(NamedTuple):
    """Rows of N pictures of a run's last validated epoch, each uint8 [H + 2, N * (W + 1) + 1, 3], with white gaps."""

    grey: np.ndarray
    true: np.ndarray
    predicted: np.ndarray


def read(folder: Path) -> Strips | None:
    """The pictures of a run folder; None if it has none yet, or if they are damaged, which is logged."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    found = list((folder / "tensorboard").glob("*tfevents*"))
    if not found:
        return None
    try:
        if not all(file.is_file() and file.stat().st_size <= LARGEST for file in found):
            raise ValueError("no regular file, or a very large one")
        sizes = {"images": 1, "scalars": 1, "tensors": 1, "histograms": 1}
        events = EventAccumulator(str(folder / "tensorboard"), sizes)
        events.Reload()
        tag = next((tag for tag in (TAG, OLD_TAG) if tag in events.Tags()["images"]), None)
        if tag is None:
            return None
        image = read_rgb(events.Images(tag)[-1].encoded_image_string, max_pixels=MOST_PIXELS)
    except Exception as error:  # TensorBoard and protobuf raise many kinds on a damaged file
        log.warning("%s: its pictures cannot be read (%s) and are left out", folder, one_line(error))
        return None
    pixels = np.asarray(image)[ZOOM // 2 :: ZOOM, ZOOM // 2 :: ZOOM]
    height = (len(pixels) - 1) // 3
    if height < 1:
        return None
    return Strips(*(pixels[row * height : (row + 1) * height + 1] for row in range(3)))


def png(strip: np.ndarray) -> bytes:
    """A strip, uint8 [H, W, 3], as a lossless PNG file; with a palette, and small, for up to 256 colours."""
    colours, index = np.unique(strip.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colours) <= 256:
        image = Image.fromarray(index.reshape(strip.shape[:2]).astype(np.uint8), "P")
        image.putpalette(colours.tobytes())
    else:
        image = Image.fromarray(strip)
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def address(strip: np.ndarray) -> str:
    """A strip, uint8 [H, W, 3], as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png(strip)).decode()
