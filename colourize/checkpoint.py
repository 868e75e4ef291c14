"""One file rebuilds its network and palette. A checkpoint holds tensors and plain values, never code."""

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import nn

from colourize.errors import InputError
from colourize.module import Colourizer

NETWORKS = "colourize.models."
SAME_TO_GO_ON = "model", "num_colours", "optimizer", "scheduler", "data", "seed", "batch_size"


def read(path: str | Path) -> dict[str, Any]:
    """The contents of a checkpoint of ours, on the CPU; a pickle that runs code is refused.

    Raises:
        InputError: no such file, or not a checkpoint of colourize.
    """
    path = Path(path).expanduser()
    if not path.is_file():
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
    state = contents["state_dict"]
    module = Colourizer(_network(path, contents["config"]["model"]), state["palette"], contents["config"])
    module.load_state_dict(state)
    return module.eval()


def _network(path: str | Path, node: dict[str, Any]) -> nn.Module:
    """Builds what a file names without Hydra, which would also build targets below the node."""
    home, _, name = str(node.get("_target_")).rpartition(".")
    if home.startswith(NETWORKS) and all(isinstance(value, str | int | float | None) for value in node.values()):
        try:
            network = getattr(importlib.import_module(home), name, None)
        except ImportError:
            network = None
        if isinstance(network, type) and issubclass(network, nn.Module) and network.__module__ == home:
            return network(**{key: value for key, value in node.items() if key != "_target_"})
    raise InputError(f"{path} names the network {node}; only those of {NETWORKS[:-1]} are built from a file")


def check_resumable(path: str | Path, config: dict[str, Any]) -> None:
    """Raises InputError where training could not go on from the checkpoint as if it had never stopped."""
    contents = read(path)
    before, now = comparable(contents["config"]), comparable(config)
    keys = [*SAME_TO_GO_ON, *(["max_epochs"] if config["scheduler"] else [])]  # a schedule is laid out for its length
    for key in keys:
        for name, old, new in differences(key, before.get(key), now[key]):
            if name.endswith("._target_"):
                name, old, new = key, option(old), option(new)
            knob = name.rpartition(".")[2] if name.rpartition(".")[2] in config else name
            raise InputError(
                f"ckpt_path={path} was trained with {knob}={old}, not {new}; pass {knob}={old}, or leave ckpt_path out "
                "to start anew"
            )
    done = contents["epoch"] + 1
    if done >= config["max_epochs"]:
        raise InputError(
            f"max_epochs={config['max_epochs']} leaves nothing to train: ckpt_path={path} has {done} epochs behind it; "
            f"pass max_epochs={done + 1} or more"
        )


def check_palette(path: str | Path, palette: torch.Tensor) -> None:
    """Raises InputError where the pictures' palette, float32 [K, 3], is not the one that the checkpoint classifies."""
    if not torch.equal(read(path)["state_dict"]["palette"].float(), palette):
        raise InputError(
            f"ckpt_path={path} classifies into other colours than those of today's pictures or palette file; pass the "
            "palette it was trained with, or leave ckpt_path out to start anew"
        )


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without what makes no difference: where the cache lies, how the pictures' folder is written."""
    data = {key: value for key, value in config["data"].items() if key != "cache_dir"}
    if "root" in data:
        data["root"] = str(Path(data["root"]).expanduser().resolve())
    return {**config, "data": data}


def option(target: str | None) -> str:
    """The option whose file names the target: unet of colourize.models.unet.UNet, adam of torch.optim.Adam."""
    home, _, name = str(target).rpartition(".")
    return home.rpartition(".")[2] if home.startswith(("colourize.models.", "colourize.data.")) else name.lower()


def differences(key: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Where two values of a configuration differ: dotted key, old and new value."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = {**old, **new}
        return [found for name in names for found in differences(f"{key}.{name}", old.get(name), new.get(name))]
    return [] if old == new else [(key, old, new)]
