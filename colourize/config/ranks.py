"""The pictures of a step, where several ranks train a run: a resumed run may have other ranks, but the same steps."""

from collections.abc import Mapping
from typing import Any

from colourize.config.knobs import value_in


def num_ranks(config: Mapping[str, Any]) -> int:
    """The number of processes that train a run."""
    count: int = value_in(config, "devices") * value_in(config, "num_nodes")
    return count


def step_size(config: Mapping[str, Any]) -> int:
    """Pictures per step, of all ranks together."""
    return int(config["batch_size"]) * num_ranks(config)


def kept(new: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The knobs for resuming a run on another number of ranks: ``batch_size`` keeps the pictures of a step.

    Unchanged if the user has given another ``batch_size``, or if the pictures of a step cannot be divided.

    Args:
        new: the knobs of the resumed run.
        old: the configuration of the run.
    """
    ranks, pictures = num_ranks(new), step_size(old)
    same = ranks == num_ranks(old) or new["batch_size"] != old["batch_size"]
    return new if same or pictures % ranks else {**new, "batch_size": pictures // ranks}


def mismatch(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """Why a run cannot be resumed on other ranks: its steps would have other pictures; empty if they have the same."""
    if num_ranks(new) == num_ranks(old) or step_size(new) == step_size(old):
        return ""
    pictures, ranks = step_size(old), num_ranks(new)
    remedy = f"pass batch_size={pictures // ranks}" if pictures % ranks == 0 else f"pass devices that divide {pictures}"
    return f"with {pictures} pictures per step, got batch_size={new['batch_size']} on {ranks} ranks; {remedy}"
