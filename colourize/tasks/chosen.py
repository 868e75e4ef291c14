"""The task of a configuration by its name, and its runs. Imports only the chosen task."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import Callback

from colourize.config.knobs import value_in
from colourize.config.tasks import TASKS
from colourize.training import run
from colourize.training.task import Task


def task(knobs: dict[str, Any]) -> Task[Any, Any]:
    """The task that the knob ``task`` names."""
    return importlib.import_module(TASKS[value_in(knobs, "task")].home).TASK


def train(
    knobs: dict[str, Any],
    output_dir: str | Path,
    overrides: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Trains one network of any task and writes the run folder; see ``training.run.train``."""
    return run.train(task(knobs), knobs, output_dir, overrides, callbacks)
