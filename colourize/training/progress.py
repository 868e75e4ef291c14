"""Progress of training: a bar on a terminal, otherwise a line per epoch."""

import contextlib
import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from colourize.private.lightning import Bar
from colourize.private.rich import raw
from colourize.training.epoch_table import EpochTable

BAR_RATE = 10  # updates per second: an update takes longer than a step on a GPU


class ProgressBar(Bar):
    """Lightning's bar with the training metrics of a recent batch, updated a few times per second.

    Args:
        names: names of the metrics.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(refresh_rate=BAR_RATE, console_kwargs={"file": raw(sys.stdout)})
        self.names = names
        self.shown: dict[str, float] = {}
        self.due = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if (now := time.monotonic()) >= self.due or trainer.is_last_batch:
            self.due = now + 1 / BAR_RATE
            values = {**outputs, "loss": pl_module.loss}
            self.shown = {name: float(values[name]) for name in self.names}
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def epoch_description(self, current_epoch: int) -> str:
        """The text before the bar; epochs count from 1, as in the tables."""
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}".ljust(len(self.validation_description))

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """The metrics of the bar, without the logger's version number."""
        shown = {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}
        return {**self.shown, **shown}


class EpochLines(Callback):
    """Prints a line per epoch to standard output if this is not a terminal.

    Args:
        table: the metrics; its last row is printed.
    """

    def __init__(self, table: EpochTable) -> None:
        self.table = table

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        row = self.table.rows[-1]
        figures = [f"{name} {row[name]:.5g}" for name in self.table.metrics.line if name in row]
        with contextlib.suppress(OSError):  # a closed pipe must not end the run
            line = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: {', '.join(figures)}"
            print(f"{line}, after {row['seconds']:.1f} s", flush=True)
