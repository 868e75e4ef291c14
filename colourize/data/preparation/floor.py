"""The floor on these pictures, which a network must beat: the look-up table from grey level to colour.

N pictures, S side, K colours.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from colourize.colour import kmeans
from colourize.colour.palette import quantize
from colourize.colour.spaces import SPACES, Space
from colourize.config.knobs import KNOBS
from colourize.data.read import UnreadablePicture, read_rgb, square
from colourize.errors import InputError
from colourize.models.lookup import ClassPrior, LookupTable

SIDE: int = KNOBS["image_size"].default
NUM_COLOURS: int = KNOBS["num_colours"].default
MOST_TRAIN, MOST_VALIDATION = 2_000, 1_000  # pictures; more pictures change only the third decimal
PART = 64  # pictures scored at once
SHOWN = "rgb", "lab"
SEED = 0  # of every palette that training fits

Floors = dict[str, dict[str, float]]
"""For each colour space: cross-entropy in nats per pixel of the look-up table and of the class prior, and the table's
accuracy in [0, 1]."""


def floors(train: Tensor, validation: Tensor, num_colours: int = NUM_COLOURS) -> Floors:
    """The floors of a training split and a validation split: uint8 [N, S, S, 3] each.

    A colour space in which the pictures have fewer than ``num_colours`` distinct colours is left out.
    """
    found: Floors = {}
    for name in SHOWN:
        try:
            palette = kmeans.fit(train, num_colours, SEED, SPACES[name])
        except InputError:
            continue
        found[name] = _floor(train, validation, palette, SPACES[name])
    return found


def _floor(train: Tensor, validation: Tensor, palette: Tensor, space: Space) -> dict[str, float]:
    grey, labels = space.lightness(validation), quantize(validation, palette, space).long()
    table, prior = LookupTable(len(palette)), ClassPrior(len(palette))
    for predictor in (table, prior):
        predictor.fit(space.lightness(train), quantize(train, palette, space))
    sums = {"table": 0.0, "prior": 0.0, "accuracy": 0.0}
    for part, truth in zip(grey.split(PART), labels.split(PART), strict=True):
        scores = table(part)
        sums["table"] += F.cross_entropy(scores, truth, reduction="sum").item()
        sums["prior"] += F.cross_entropy(prior(part), truth, reduction="sum").item()
        sums["accuracy"] += (scores.argmax(1) == truth).sum().item()
    return {name: round(total / labels.numel(), 4) for name, total in sums.items()}


def small_squares(out: Path, written: Sequence[str], most: int) -> Tensor:
    """Centre squares of up to ``most`` of the written pictures, as training sees them: uint8 [N, S, S, 3].

    The order of ``written`` must not depend on the pictures' subjects.
    """
    squares = []
    for path in written[:most]:
        try:
            squares.append(np.asarray(square(read_rgb(out / path, at_least=SIDE), SIDE)))
        except UnreadablePicture:  # changed by another program; training reports it
            continue
    return torch.from_numpy(np.stack(squares)) if squares else torch.empty(0, SIDE, SIDE, 3, dtype=torch.uint8)
