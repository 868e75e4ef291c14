"""``init_from``: a new run starts with trained weights, and keeps the rows of its head for classes of the same name."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize import files
from colourize.config.knobs import value_in
from colourize.errors import InputError
from colourize.models import yolox_weights
from colourize.models.coco import CLASSES
from colourize.models.yolox import YOLOX
from colourize.runs import checkpoint
from colourize.tasks.detection.module import Detector

log = logging.getLogger(__name__)
COCO = "coco"
OF_CLASSES = "head.cls_preds."  # the layers with a row for each class


def begin(knobs: dict[str, Any], built: Detector) -> None:
    """Loads the weights of ``init_from`` into the module of a new run: ``coco``, or a file.

    Raises:
        InputError: the weights are not available, or do not fit the network.
    """
    source = value_in(knobs, "init_from")
    if source is None:
        return
    network: Any = built.network
    if not isinstance(network, YOLOX):
        network.load(source)
        return
    state, names = weights(source, network)
    kept = take(network, state, names, built.truth.classes)
    new = [name for name in built.truth.classes if name not in kept]
    log.info("init_from=%s: classes kept: %s; new: %s", source, ", ".join(kept) or "none", ", ".join(new) or "none")


def weights(source: str, network: YOLOX) -> tuple[dict[str, Tensor], Sequence[str]]:
    """The tensors of ``init_from`` by the names of the network, and the names of their classes, if they are known.

    Raises:
        InputError: see ``begin``.
    """
    file = yolox_weights.published(network) if source == COCO else files.expanded(source)
    file = checkpoint.of_run(file)
    if file.suffix != ".ckpt":
        state = yolox_weights.read(file, network)
        return state, CLASSES if len(state[f"{OF_CLASSES}0.bias"]) == len(CLASSES) else ()
    return _of_run(file, network)


def _of_run(file: Path, network: YOLOX) -> tuple[dict[str, Tensor], Sequence[str]]:
    contents = checkpoint.read(file)
    found = {str(name).removeprefix("network."): tensor for name, tensor in contents["state_dict"].items()}
    state = yolox_weights.fitting(found, network, file)
    names = contents.get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        names = []
    if len(names) != len(state[f"{OF_CLASSES}0.bias"]):
        raise InputError(f"init_from={file} is not a checkpoint of a detector; pass one, or init_from=coco")
    return state, names


def take(network: YOLOX, state: dict[str, Tensor], names: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Copies trained tensors into a network; of the classes' layers only the rows of classes of the same name.

    Args:
        network: the network for ``classes``.
        state: tensors by the names of the network.
        names: the classes of the tensors' rows.
        classes: the classes of the network's rows.

    Returns:
        The classes whose rows are copied.
    """
    kept = [name for name in classes if name in names]
    rows = [classes.index(name) for name in kept], [names.index(name) for name in kept]
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.startswith(OF_CLASSES):
                tensor[rows[0]] = state[name][rows[1]]
            else:
                tensor.copy_(state[name])
    return kept
