"""A job's part in a search: it reports each validation, and ends early where it has no prospect."""

import math
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from colourize.sweeps.search_study import PRUNED
from colourize.training.callbacks import EpochTable

if TYPE_CHECKING:
    import optuna


class Pruning(Callback):
    """Reports each validation loss to the trial of a job; ends the run where the study's pruner sees no prospect.

    The run then ends as one that stops early: with its tables, pictures and checkpoints.
    """

    def __init__(self, study: "optuna.Study", number: int) -> None:
        import optuna

        self.trial = optuna.trial.Trial(study, study.trials[number]._trial_id)
        self.pruned = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ends at once where the run was ended early before, and cut short while it wrote its results."""
        done = next(callback for callback in trainer.callbacks if isinstance(callback, EpochTable)).rows  # type: ignore[attr-defined]
        if self.trial.user_attrs.get(PRUNED, math.inf) <= len(done):
            self.pruned = trainer.should_stop = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epoch = trainer.current_epoch
        known: dict[int, Any] = self.trial.study.trials[self.trial.number].intermediate_values
        if epoch not in known:  # as after a kill between report and checkpoint
            self.trial.report(float(trainer.callback_metrics["val/loss"]), epoch)
        last = epoch + 1 == trainer.max_epochs  # nothing is left to save
        if PRUNED in self.trial.user_attrs or (not last and self.trial.should_prune()):
            self.pruned = trainer.should_stop = True
            self.trial.set_user_attr(PRUNED, epoch + 1)
