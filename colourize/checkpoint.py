"""One file rebuilds its network and palette. A checkpoint holds tensors and plain values, never code."""

from pathlib import Path
from typing import Any

import torch

from colourize.config import instantiate
from colourize.errors import InputError
from colourize.module import Colourizer


def read(path: str | Path) -> dict[str, Any]:
    """The contents of a checkpoint of ours, on the CPU; a pickle that runs code is refused.

    Raises:
        InputError: no such file, or not a checkpoint of colourize.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such checkpoint; pass a file such as RUN_FOLDER/checkpoints/last.ckpt")
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise InputError(f"{path} is damaged or no checkpoint ({type(error).__name__}); pass another file") from error
    if not isinstance(contents, dict) or not {"config", "state_dict"} <= contents.keys():
        raise InputError(f"{path} was not written by colourize: it lacks config or state_dict; pass another file")
    return contents


def load(path: str | Path) -> Colourizer:
    """The trained module of a checkpoint, in evaluation mode, on the CPU.

    Raises:
        InputError: as ``read``; or the network is not one of ours (no other code is run for a file's sake).
    """
    contents = read(path)
    target = contents["config"]["model"].get("_target_", "")
    if not target.startswith("colourize.models."):
        raise InputError(f"{path} names the network {target!r}; only those of colourize.models are built from a file")
    state = contents["state_dict"]
    module = Colourizer(instantiate(contents["config"]["model"]), state["palette"], contents["config"])
    module.load_state_dict(state)
    return module.eval()


SAME_TO_GO_ON = "model", "num_colours", "palette", "optimizer", "scheduler", "data", "seed", "batch_size"


def check_resumable(path: str | Path, config: dict[str, Any]) -> None:
    """Raises InputError where training could not go on from the checkpoint as if it had never stopped."""
    stored = read(path)["config"]
    for key in SAME_TO_GO_ON:
        if stored[key] != config[key]:
            raise InputError(
                f"ckpt_path={path} was trained with {key}={stored[key]}, not {config[key]}; pass its configuration, or "
                "leave ckpt_path out to start anew"
            )
