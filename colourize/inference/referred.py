"""A palette from a reference photograph: each class takes the reference's colours. K colours, C channels."""

from pathlib import Path

import numpy as np

from colourize import files
from colourize.data.read import UnreadablePicture, read_rgb
from colourize.errors import InputError
from colourize.inference import decoded, space, working
from colourize.inference.opening import kind
from colourize.inference.predictor import Predictor
from colourize.inference.space import Floats

PRIOR = 0.002  # weight of the network's own colour, as a share of the reference's cells


def palette(predictor: Predictor, rgb: space.Levels, size: int | None = None) -> Floats:
    """A palette for the network's classes from a coloured reference photograph.

    The colour of class k becomes (sum_p P_p(k) c_p + n c_k) / (sum_p P_p(k) + n): the mean of the reference's colours
    c_p under the network's probabilities, and the own colour c_k with weight n, ``PRIOR`` times the number of cells. A
    class that the reference does not show keeps its colour.

    Args:
        predictor: the network, of K classes.
        rgb: the reference, uint8 or uint16 [H, W, 3].
        size: the working size.

    Returns:
        float32 [K, C].
    """
    card = predictor.card
    view = working.seen(space.grey_levels(rgb), card, size)
    logits = working.scores(predictor, view)
    _, (tall, wide) = working.cells(view, logits)
    rows, columns = max(1, round(tall)), max(1, round(wide))
    shares = decoded.probabilities(logits[:, :rows, :columns]).reshape(len(logits), -1).astype(np.float64)
    true = np.stack([
        working.resized(rgb[..., channel], rows, columns).ravel() for channel in range(3)
    ], 1)  # fmt: skip
    values = _in_space(true, card.space)
    prior = PRIOR * shares.shape[1]
    total = shares.sum(1, keepdims=True) + prior
    return ((shares @ values + prior * card.palette) / total).astype(np.float32)


def _in_space(rgb: Floats, name: str) -> Floats:
    """sRGB [P, 3] in [0, 1] as palette values of a space: [P, C]."""
    if name == "rgb":
        return (rgb * (255 / 256)).astype(np.float32)
    return space.lab(rgb)[:, 1:] if name == "lab" else space.oklab(rgb)[:, 1:]


def of_file(predictor: Predictor, path: Path, size: int | None = None) -> Floats:
    """``palette`` of a picture file.

    Raises:
        InputError: a file that cannot be read, or a grey picture.
    """
    try:
        image = read_rgb(files.expanded(path))
    except UnreadablePicture as error:
        raise InputError(f"--reference {path}: {error}; pass another picture") from error
    if kind(image) == "grey":
        raise InputError(f"--reference {path} is grey; pass a photograph in colour")
    return palette(predictor, np.asarray(image), size)
