"""Replaces ``auto`` by the learning rate or the precision that a run finds before its first step."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from colourize.config.knobs import KNOBS
from colourize.errors import InputError

AUTO = "auto"
FOUND = "lr", "precision"  # knobs that take it
USING = "optimizer", "scheduler"  # options with values that refer to lr, besides callbacks


def with_rate(config: Mapping[str, Any], rate: float) -> dict[str, Any]:
    """The configuration with a learning rate in place of ``auto``, also in the options that may refer to it; without
    ``auto`` it stays the same."""
    if config["lr"] != AUTO:
        return dict(config)
    nodes = {name: _rated(config[name], rate) for name in USING if isinstance(config.get(name), dict)}
    if isinstance(callbacks := config.get("callbacks"), dict):
        nodes["callbacks"] = {name: _rated(node, rate) for name, node in callbacks.items()}
    return {**config, **nodes, "lr": rate}


def _rated(node: Any, rate: float) -> Any:
    """A node with the rate in place of ``auto``."""
    if not isinstance(node, dict):
        return node
    return {key: rate if value == AUTO else value for key, value in node.items()}


def check_asked(words: Sequence[str], before: Sequence[str], where: str) -> None:
    """Raises InputError if a resumed run is newly asked to find a rate or a precision: it keeps those it began with.

    Args:
        words: overrides of the command line.
        before: overrides of the run.
        where: the run, for the message.
    """
    for word in words:
        if word in {f"{name}={AUTO}" for name in FOUND} and word not in before:
            raise InputError(f"{word} is for a new run, and {where} has a checkpoint; leave {word} out")


def known(config: Mapping[str, Any], before: Any) -> dict[str, Any]:
    """The configuration of a resumed run: with the rate and the precision that the run found, if it asks for ``auto``.

    Args:
        config: the configuration.
        before: the configuration of the run, as stored and perhaps not yet checked; None for a new run.
    """
    before = before if isinstance(before, Mapping) else {}
    rate, precision = before.get("lr"), before.get("precision")
    if isinstance(rate, float) and 0 < rate < math.inf:
        config = with_rate(config, rate)
    is_found = (
        config.get("precision") == AUTO and isinstance(precision, str) and precision in KNOBS["precision"].choices
    )
    return {**config, "precision": precision} if is_found else dict(config)
