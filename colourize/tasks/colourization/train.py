"""A training run of colourization: from plain knobs to a run folder. Does not need Hydra's runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import Callback

from colourize.tasks.colourization.task import TASK
from colourize.training import run


def train(
    knobs: dict[str, Any],
    output_dir: str | Path,
    overrides: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Trains one network and writes the run folder; see ``training.run.train``."""
    return run.train(TASK, knobs, output_dir, overrides, callbacks)
