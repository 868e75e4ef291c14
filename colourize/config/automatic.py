"""``lr=auto``: the learning rate that a run finds before its first step takes the place of the word."""

import math
from collections.abc import Mapping
from typing import Any

AUTO = "auto"
USING = "optimizer", "scheduler"  # options with values that refer to lr


def with_rate(config: Mapping[str, Any], rate: float) -> dict[str, Any]:
    """The configuration with a learning rate in place of ``auto``; without ``auto`` it stays the same."""
    if config["lr"] != AUTO:
        return dict(config)
    nodes = {
        name: {key: rate if value == AUTO else value for key, value in config[name].items()}
        for name in USING
        if isinstance(config.get(name), dict)
    }
    return {**config, **nodes, "lr": rate}


def known(config: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The configuration of a resumed run: with the rate that the run found, if it asks for ``auto``.

    Args:
        config: the configuration.
        before: the configuration of the run, as stored; None for a new run.
    """
    rate = (before or {}).get("lr")
    fits = isinstance(rate, float) and 0 < rate < math.inf
    return with_rate(config, rate) if fits and isinstance(rate, float) else dict(config)
