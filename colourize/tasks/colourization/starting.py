"""``init_from``: a new run starts with the weights of a trained network, and with its palette if it fits."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize import files
from colourize.colour.spaces import SPACES
from colourize.config.knobs import value_in
from colourize.errors import InputError
from colourize.model import Model
from colourize.runs import checkpoint, shipped

log = logging.getLogger(__name__)
SCORES = "network.scores."  # the layer that depends on the palette
NAMED = 5  # tensors named in the log


def file_of(knobs: dict[str, Any]) -> Path | None:
    """The file named by ``init_from``; None if a run starts from its seed.

    Raises:
        InputError: ``shipped``, but this installation has no shipped network.
    """
    source = value_in(knobs, "init_from")
    return None if source is None else files.expanded(shipped.named(source))


def palette(knobs: dict[str, Any]) -> Tensor | None:
    """The palette in the file of ``init_from``, float32 [K, C]; None if the run needs another one.

    This is so with ``palette=FILE``, and if the number of colours or the colour space differs.
    """
    if (file := file_of(knobs)) is None or knobs["palette"] != "kmeans":
        return None
    model = checkpoint.load(file).model
    space = SPACES[value_in(knobs, "colour_space")]
    if model.space is not space or len(model.palette) != knobs["num_colours"]:
        log.warning(
            "init_from=%s has %d colours in %s, but this run %d in %s: a new palette is fitted",
            file, len(model.palette), model.space.name, knobs["num_colours"], space.name,
        )  # fmt: skip
        return None
    return model.palette.float()


def take(model: Model, file: Path) -> tuple[list[str], list[str]]:
    """Copies each tensor of a trained network that fits by name and shape, and logs the others.

    The scores of the classes are not copied if the palettes differ.

    Args:
        model: the model of the new run.
        file: a checkpoint, or exported weights.

    Returns:
        Names of the copied tensors, and of the tensors that keep their initial values.

    Raises:
        InputError: the file cannot be read, or none of its tensors fits.
    """
    other = checkpoint.load(file).model
    found, own = other.state_dict(), model.state_dict()
    same = other.space is model.space and torch.equal(other.palette.float(), model.palette.float())
    names = [name for name in own if name != "palette"]
    taken = [
        name
        for name in names
        if name in found and found[name].shape == own[name].shape and (same or not name.startswith(SCORES))
    ]
    if not taken:
        raise InputError(f"init_from={file}: no tensor fits this network by name and shape; pass model=... as it has")
    for name in taken:
        own[name].copy_(found[name])
    left = [name for name in names if name not in set(taken)]
    log.info("init_from=%s: %d tensors of %d taken%s", file, len(taken), len(names), _named(left))
    return taken, left


def _named(left: list[str]) -> str:
    if not left:
        return ""
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    return f"; from the seed: {', '.join(left[:NAMED])}{more}"
