"""The callbacks that ``callbacks=`` adds to those of every run."""

import logging
from typing import Any

from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from pytorch_lightning.utilities.model_helpers import is_overridden

from colourize.config.instantiate import instantiate
from colourize.config.knobs import value_in
from colourize.config.options import ONLY_OBSERVE, option
from colourize.errors import InputError, one_line
from colourize.training.distributed import collectives

log = logging.getLogger(__name__)
OUTSIDE = {
    "swa": "it cannot be resumed once it averages; ema=0.998 can",
    "timer": "the time at which it ends training depends on the machine",
}
"""Why a run with an option of ours may end in other bits after an interruption."""


def added(knobs: dict[str, Any]) -> list[Callback]:
    """The callbacks of the knob, in its order. Those outside of the promise of same bits are named, a line each.

    Raises:
        InputError: one cannot be built, or is not a Lightning callback.
    """
    nodes = value_in(knobs, "callbacks")
    if collectives.rank():  # without loggers
        nodes = {
            name: node for name, node in nodes.items() if option(node["_target_"], "callbacks") not in ONLY_OBSERVE
        }
    if nodes and not value_in(knobs, "logger") and (silent := [name for name in nodes if _needs_a_logger(nodes[name])]):
        raise InputError(f"callbacks={silent[0]} logs, got logger=none; pass logger=csv, or leave the callback out")
    found = [_built(name, node) for name, node in nodes.items()]
    for (name, node), callback in zip(nodes.items(), found, strict=True):
        if cause := _outside(node, callback):
            log.warning("callbacks=%s is outside of the promise of same bits after an interruption: %s", name, cause)
    return found


def _built(name: str, node: dict[str, Any]) -> Callback:
    try:
        built = instantiate(node)
    except (MisconfigurationException, ModuleNotFoundError, TypeError, ValueError) as error:
        raise InputError(f"callbacks.{name}: {one_line(error)}; see conf/callbacks/") from error
    if not isinstance(built, Callback):
        raise InputError(f"callbacks.{name}: {node['_target_']} must be a pytorch_lightning.callbacks.Callback")
    return built


def _needs_a_logger(node: dict[str, Any]) -> bool:
    return option(node["_target_"], "callbacks") in ("lr_monitor", "device_stats")


def _outside(node: dict[str, Any], callback: Callback) -> str:
    """Why a callback is outside of the promise; empty if it is inside."""
    name = option(node["_target_"], "callbacks")
    if name in ONLY_OBSERVE or (name == "timer" and node.get("duration") is None):
        return ""
    if name in OUTSIDE:
        return OUTSIDE[name]
    return "" if is_overridden("state_dict", callback, Callback) else "it has no state_dict, so its state is not saved"
