"""Compares the files of runs bit by bit."""

import functools
from pathlib import Path
from typing import Any

import torch

from tests.trained import rows

TIMED = "seconds", "images_per_second", "examples_per_second"
NO_DIFFERENCE = *TIMED, "save_every"  # determines when to save, not what


def differences(first: Any, second: Any, path: str = "") -> list[str]:
    """Paths of the differences between two states, except measured times and the time of saving."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = [key for key in {**first, **second} if key not in NO_DIFFERENCE]
        return [found for key in keys for found in differences(first.get(key), second.get(key), f"{path}/{key}")]
    if isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [found for number, pair in pairs for found in differences(*pair, f"{path}/{number}")]
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return [] if first.dtype == second.dtype and torch.equal(first, second) else [path]
    return [] if first == second else [f"{path}: {first} {second}"]


def saved(run: Path, name: str = "last") -> dict[str, Any]:
    """Everything in a checkpoint: weights, optimizer, schedule, loops, metrics, position in the data."""
    return torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)


@functools.lru_cache(4)
def _saved_once(run: Path, name: str, changed: int) -> dict[str, Any]:
    """For runs with which many are compared."""
    return saved(run, name)


def _changed(run: Path, name: str) -> int:
    return (run / f"checkpoints/{name}.ckpt").stat().st_mtime_ns


def untimed_rows(run: Path) -> list[dict[str, str]]:
    """``metrics.csv`` without measured times."""
    return [{key: value for key, value in row.items() if key not in TIMED} for row in rows(run)]


def litter(folder: Path) -> list[str]:
    """Files other than checkpoints; an interrupted save leaves one."""
    return [file.name for file in folder.iterdir() if file.suffix != ".ckpt"]


def assert_identical(first: Path, second: Path) -> None:
    """Asserts the same bits in both checkpoints, and the same rows of metrics."""
    for name in ("last", "best"):
        assert differences(_saved_once(first, name, _changed(first, name)), saved(second, name)) == []
    assert untimed_rows(first) == untimed_rows(second)
