"""``init_from``: a new run starts with the weights of a trained network, and with its palette if it fits."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize import files
from colourize.colour.spaces import SPACES
from colourize.config import parts
from colourize.config.knobs import value_in
from colourize.config.options import is_option, option
from colourize.errors import InputError
from colourize.model import Model
from colourize.runs import checkpoint, shipped
from colourize.runs.trained import load

log = logging.getLogger(__name__)
SCORES = "network.scores."  # the layer that depends on the palette
COUNT = "num_batches_tracked"


def file_of(knobs: dict[str, Any]) -> Path | None:
    """The file named by ``init_from``, of a run folder its best checkpoint; None if a run starts from its seed.

    Raises:
        InputError: ``shipped``, but this installation has no shipped network; no such file; a folder without a
            checkpoint.
    """
    if (source := value_in(knobs, "init_from")) is None:
        return None
    path = files.expanded(shipped.named(source))
    if not path.exists():
        raise InputError(
            f"init_from={source}: no such file or folder; pass a run folder, a checkpoint, exported weights or shipped"
        )
    return checkpoint.of_run(path)


def palette(knobs: dict[str, Any]) -> Tensor | None:
    """The palette in the file of ``init_from``, float32 [K, C]; None if the run needs another one.

    This is so with ``palette=FILE``, and if the number of colours or the colour space differs.
    """
    if (file := file_of(knobs)) is None or knobs["palette"] != "kmeans":
        return None
    model = load(file).model
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
    other, config, *_ = load(file)
    found, own = other.state_dict(), model.state_dict()
    same = other.space is model.space and torch.equal(other.palette.float(), model.palette.float())
    names = [name for name in own if name != "palette"]
    fits = {name for name in names if name in found and found[name].shape == own[name].shape}
    # a batch norm's number of batches, which always fits, belongs to its mean
    fits -= {name for name in fits if name.endswith(COUNT) and f"{name.removesuffix(COUNT)}running_mean" not in fits}
    taken = [name for name in names if name in fits and (same or not name.startswith(SCORES))]
    if not taken:
        raise InputError(f"init_from={file}: no tensor fits this network by name and shape; pass {_of_network(config)}")
    for name in taken:
        own[name].copy_(found[name])
    left = [name for name in names if name not in set(taken)]
    surplus = [name for name in found if name != "palette" and name not in own]
    causes = {
        "not in the file": [name for name in left if name not in found],
        "of another shape there": [name for name in left if name in found and name not in fits],
        "of another palette": [name for name in left if name in fits],
    }
    seeded = ", ".join(f"{_joined(each, names)} ({cause})" for cause, each in causes.items() if each)
    log.info(
        "init_from=%s: %d tensors of %d taken%s%s", file, len(taken), len(names),
        f"; from the seed: {seeded}" if seeded else "",
        f"; only in the file: {_joined(surplus, list(found))}" if surplus else "",
    )  # fmt: skip
    return taken, left


def _of_network(config: dict[str, Any]) -> str:
    """The network of a configuration as on the command line."""
    target = config["model"]["_target_"]
    return f"model={option(target, 'model')}" if is_option("model", target) else f"model._target_={target}"


def _joined(names: list[str], every: list[str]) -> str:
    """Names with commas; ``MODULE.*`` in place of all tensors of a module, if it has several."""
    chosen, others = set(names), [name for name in every if name not in set(names)]
    short = []
    for name in names:
        whole = next(
            path for path in parts.paths(name) if not any(f"{other}.".startswith(f"{path}.") for other in others)
        )
        several = sum(f"{other}.".startswith(f"{whole}.") for other in chosen) > 1
        short.append(f"{whole}.*" if several else name)
    return ", ".join(dict.fromkeys(short))
