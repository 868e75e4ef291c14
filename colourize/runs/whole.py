"""Checks the configuration and the numbers in a run folder, because anyone may have written them."""

from typing import Any

from colourize.config.compare import comparable
from colourize.config.instantiate import short_name
from colourize.config.knobs import NODES

LARGEST = 1e30  # largest value of a metric: sums and squares of such numbers are finite


def is_whole(config: Any) -> bool:
    """Whether a value is a run's configuration: a network, options, a seed, and finite numbers."""
    try:
        comparable(config), short_name(config["model"])
    except (KeyError, TypeError, AttributeError):
        return False
    nodes = all(isinstance(config.get(name) or {}, dict) for name in (*NODES, "trainer"))
    return nodes and is_finite(config) and isinstance(config.get("seed", 0), int)


def is_finite(value: Any) -> bool:
    """Whether every number in a value, at any depth, is finite and below ``LARGEST``."""
    if isinstance(value, dict | list):
        return all(map(is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or abs(value) < LARGEST
