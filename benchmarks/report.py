"""Runs turns, and summarizes their figures as rows of medians and ratios."""

import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

PACKAGES = "torch", "pytorch-lightning", "numpy"


def interleaved(contestants: Mapping[str, Callable[[], Any]], repeats: int, warm_up: int = 1) -> dict[str, list[Any]]:
    """The results of contestants that take turns: some turns to warm up, then ``repeats``."""
    values: dict[str, list[Any]] = {name: [] for name in contestants}
    for turn in range(warm_up + repeats):
        for name, contestant in contestants.items():
            value = contestant()
            if turn >= warm_up:
                values[name].append(value)
    return values


def picked(values: Mapping[str, Sequence[Mapping[str, float]]], figure: str, *names: str) -> dict[str, list[float]]:
    """One figure of the named contestants, or of all contestants."""
    return {name: [turn[figure] for turn in values[name]] for name in names or values}


def row(name: str, values: Mapping[str, Sequence[float]], scale: float = 1.0, unit: str = "s") -> dict[str, Any]:
    """Median and quartiles of each contestant, and the ratio of the first one's figure to each other's."""
    first, *others = values
    entry: dict[str, Any] = {"name": name, "unit": unit, "repeats": len(values[first])}
    for contestant, figures in values.items():
        low, _, high = statistics.quantiles(figures, n=4) if len(figures) > 1 else [*figures] * 3
        entry[contestant] = {"median": scale * statistics.median(figures), "quartiles": [scale * low, scale * high]}
    for other in others:
        ratios = [a / b for a, b in zip(values[first], values[other], strict=True)]
        entry[f"{first} / {other}"] = {"median": statistics.median(ratios), "range": [min(ratios), max(ratios)]}
    return entry


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The exponent b of the power law seconds = a * sizes^b, by least squares on logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def line_of(entry: Mapping[str, Any]) -> str:
    """A row as a line of text."""
    parts = []
    for key, value in entry.items():
        if isinstance(value, dict) and "quartiles" in value:
            low, high = value["quartiles"]
            unit = "" if key.startswith("loss") else f" {entry['unit']}"
            parts.append(f"{key} {value['median']:.4g}{unit} ({low:.4g} to {high:.4g})")
        elif isinstance(value, dict) and "range" in value:
            low, high = value["range"]
            parts.append(f"{key} = {value['median']:.3g} ({low:.3g} to {high:.3g})")
        elif key not in ("name", "unit", "repeats"):
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return f"{entry['name']}: " + "; ".join(parts)


def machine() -> dict[str, Any]:
    """The machine and the versions of the measurement."""
    return {
        "date": str(date.today()), "processor": _processor(), "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(), **{name: version(name) for name in PACKAGES},
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
