"""``lr=auto``: the learning rate that a run finds before its first step takes the place of the word."""

import math
from collections.abc import Mapping
from typing import Any

AUTO = "auto"
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


def known(config: Mapping[str, Any], before: Any) -> dict[str, Any]:
    """The configuration of a resumed run: with the rate that the run found, if it asks for ``auto``.

    Args:
        config: the configuration.
        before: the configuration of the run, as stored and perhaps not yet checked; None for a new run.
    """
    rate = before.get("lr") if isinstance(before, Mapping) else None
    return with_rate(config, rate) if isinstance(rate, float) and 0 < rate < math.inf else dict(config)
