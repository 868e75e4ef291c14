"""Reads format 1: checkpoints and run folders that store networks by Python path."""

from typing import Any

from colourize.config.options import OPTIONS

MOVED = {
    "colourize.augment.Augmentation": ("augment", "flips"),
    "colourize.losses.Focal": ("loss", "focal"),
    "colourize.losses.Rebalanced": ("loss", "rebalanced"),
    "colourize.losses.Smoothed": ("loss", "smoothed"),
    "colourize.losses.Soft": ("loss", "soft"),
    "colourize.optimizers.Hypergradient": ("optimizer", "hypergradient"),
    "colourize.optimizers.RMSpropW": ("optimizer", "rmspropw"),
    "colourize.optimizers.SGDW": ("optimizer", "sgdw"),
    "colourize.schedules.cosine": ("scheduler", "cosine"),
    "colourize.schedules.onecycle": ("scheduler", "onecycle"),
    "colourize.schedules.plateau": ("scheduler", "plateau"),
    "colourize.schedules.warmup": ("scheduler", "warmup"),
}
"""Former Python paths of options that have moved since format 1, with group and name."""
STATES = "state_dict", "current_model_state"
PLACE = "ColourData"  # the position in the order of the pictures


def config(stored: Any) -> Any:
    """A configuration of format 1 with current Python paths; everything else is unchanged."""
    if not isinstance(stored, dict):
        return stored
    return {group: _node(group, node) for group, node in stored.items()}


def _node(group: str, node: Any) -> Any:
    target = node.get("_target_") if isinstance(node, dict) else None
    if not isinstance(target, str) or target not in MOVED or MOVED[target][0] != group:
        return node
    return {**node, "_target_": OPTIONS[group][MOVED[target][1]]}


def states(stored: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint of format 1 with current names: weights below ``model.``, the position in the data as ``place``."""
    renamed_states = {name: _renamed(stored[name]) for name in STATES if isinstance(stored.get(name), dict)}
    renamed = {"place" if name == PLACE else name: value for name, value in stored.items()}
    return {**renamed, **renamed_states}


def _renamed(state: dict[str, Any]) -> dict[str, Any]:
    """Tensors by their current names, which begin with ``model.``."""
    return {f"model.{name}" if _is_former(name) else name: tensor for name, tensor in state.items()}


def _is_former(name: Any) -> bool:
    return isinstance(name, str) and (name == "palette" or name.startswith("network."))
