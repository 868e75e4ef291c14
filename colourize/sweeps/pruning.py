"""Pruning of trials: a trial reports each validation loss, and the pruner may stop it early."""

import math
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from colourize.private.optuna import running_trial
from colourize.sweeps.stored_search import PRUNED
from colourize.training.epoch_table import EpochTable

if TYPE_CHECKING:
    import optuna


class Pruning(Callback):
    """Reports each validation loss to the trial and stops the run when the search's pruner says so.

    A pruned run ends as after early stopping: with its tables, pictures and checkpoints.
    """

    def __init__(self, search: "optuna.Study", number: int) -> None:
        self.trial = running_trial(search, number)
        self.pruned = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stops at once if the run was already pruned but interrupted while it wrote its results."""
        done = next(callback for callback in trainer.callbacks if isinstance(callback, EpochTable)).rows  # type: ignore[attr-defined]
        if self.trial.user_attrs.get(PRUNED, math.inf) <= len(done):
            self.pruned = trainer.should_stop = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epoch = trainer.current_epoch
        known: dict[int, Any] = self.trial.study.trials[self.trial.number].intermediate_values
        if epoch not in known:  # a process killed between report and checkpoint has already reported it
            self.trial.report(float(trainer.callback_metrics["val/loss"]), epoch)
        last = epoch + 1 == trainer.max_epochs  # pruning now would save no time
        if PRUNED in self.trial.user_attrs or (not last and self.trial.should_prune()):
            self.pruned = trainer.should_stop = True
            self.trial.set_user_attr(PRUNED, epoch + 1)
