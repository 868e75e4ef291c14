"""The callbacks that ``callbacks=`` adds to those of every run."""

import logging
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, StochasticWeightAveraging, Timer
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from pytorch_lightning.utilities.model_helpers import is_overridden

from colourize.config import automatic
from colourize.config.instantiate import instantiate
from colourize.config.knobs import KNOBS, value_in
from colourize.config.options import ONLY_OBSERVE, option
from colourize.errors import InputError, one_line
from colourize.training.distributed import collectives

log = logging.getLogger(__name__)
OUTSIDE = {
    "swa": "it cannot be resumed once it averages; ema=0.998 can",
    "timer": "the time at which it ends training depends on the machine",
}
"""Why a run with an option of ours may end in other bits after an interruption."""


def added(knobs: dict[str, Any]) -> dict[str, Callback]:
    """The callbacks of the knob by name, in order. Logs a line for each that may change the bits of a resumed run.

    Raises:
        InputError: one cannot be built, or is not a Lightning callback.
    """
    nodes = value_in(automatic.with_rate(knobs, KNOBS["lr"].default), "callbacks")
    if collectives.rank():  # without loggers
        nodes = {
            name: node for name, node in nodes.items() if option(node["_target_"], "callbacks") not in ONLY_OBSERVE
        }
    if nodes and not value_in(knobs, "logger") and (silent := [name for name in nodes if _needs_a_logger(nodes[name])]):
        raise InputError(f"callbacks={silent[0]} logs, got logger=none; pass logger=csv, or leave the callback out")
    found = {name: _built(name, node) for name, node in nodes.items()}
    for name, callback in found.items():
        if cause := _outside(nodes[name], callback):
            log.warning("callbacks=%s: after an interruption the run may end in other bits: %s", name, cause)
    return found


def renew(trainer: pl.Trainer, built: dict[str, Callback], before: dict[str, Any], found: dict[str, Any]) -> None:
    """Builds those callbacks again that use the learning rate, after ``lr=auto`` has found it.

    Args:
        trainer: the trainer, with the callbacks.
        built: the result of ``added``.
        before: the knobs with ``lr=auto``.
        found: the knobs with the rate.
    """
    for name, callback in built.items():
        if (node := found["callbacks"][name]) != before["callbacks"][name]:
            trainer.callbacks[trainer.callbacks.index(callback)] = _built(name, node)  # type: ignore[attr-defined]


def is_averaging(states: Any) -> bool:
    """Whether Lightning's stochastic weight averaging has replaced the schedule, in the states of a checkpoint."""
    state = states.get("StochasticWeightAveraging") if isinstance(states, dict) else None
    return isinstance(state, dict) and state.get("scheduler_state") is not None


def obstacle(trainer: pl.Trainer) -> str:
    """Why a run that ends now could not be resumed; empty: it can."""
    found = [each for each in trainer.callbacks if isinstance(each, StochasticWeightAveraging)]  # type: ignore[attr-defined]
    averages = any(is_averaging({each.state_key: each.state_dict()}) for each in found)
    return "but callbacks=swa had begun to average, which cannot be resumed" if averages else ""


def log_times(trainer: pl.Trainer) -> None:
    """Logs the times of a timer, which Lightning only keeps."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Timer) and collectives.rank() == 0:
            left = callback.time_remaining()
            log.info(
                "callbacks=timer: %.1f s of training%s, the last validation %.1f s of it", callback.time_elapsed(),
                "" if left is None or left > 0 else ", ended by its duration", callback.time_elapsed("validate"),
            )  # fmt: skip


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
    """Why a run with a callback may end in other bits after an interruption; empty if it ends in the same."""
    name = option(node["_target_"], "callbacks")
    if name in ONLY_OBSERVE or (name == "timer" and node.get("duration") is None):
        return ""
    if name in OUTSIDE:
        return OUTSIDE[name]
    return "" if is_overridden("state_dict", callback, Callback) else "it has no state_dict, so its state is not saved"
