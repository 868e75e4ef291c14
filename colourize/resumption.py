"""Interrupt a run anywhere, as often as you like: it goes on to the same bits (docs/reliability.md).

Nothing random is stored. The order of the pictures depends on (seed, epoch), see ``data.module.Batches``; all else
that is drawn depends on (seed, step), see ``on_train_batch_start``. So a checkpoint needs only the place: weights,
optimizer, schedule, the epoch and the batches of it that are done (``ColourData.state_dict``), and the metrics so far.
"""

import math
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from colourize.callbacks import EpochTable, tensorboard
from colourize.checkpoint import BEST, LAST
from colourize.errors import InputError, Interrupted

SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1  # USR1: Slurm's warning before the limit


class Resumption(Checkpoint):
    """The only writer of checkpoints: ``best.ckpt`` and ``last.ckpt`` after an epoch, ``last.ckpt`` between batches.

    A signal only sets a flag; the run is saved at the end of the batch and ends with 128 + the signal's number. A
    second signal ends it at once. Lightning runs it after the other callbacks, so they have seen the batch.

    Args:
        folder: of the checkpoints.
        table: the metrics, whose last row decides which epoch is the best.
        seed: the run's.
        save_every: batches between two saves within an epoch.
    """

    def __init__(self, folder: Path, table: EpochTable, seed: int, save_every: int) -> None:
        self.folder = folder
        self.table = table
        self.seed = seed
        self.save_every = save_every
        self.best = math.inf
        self.stopped = False
        self.signum = 0
        self.handlers: dict[int, Any] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(".*.tmp"):  # of a process that was killed while saving
            leftover.unlink()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not (self.folder / BEST).exists():  # the run goes on from another folder's checkpoint
            self.best = math.inf
        trainer.should_stop = self.stopped  # where training had stopped early, it does not begin again
        if threading.current_thread() is threading.main_thread():
            kept = {signum: signal.getsignal(signum) for signum in SIGNALS}  # nohup has SIGHUP ignored: so it stays
            self.handlers = {signum: handler for signum, handler in kept.items() if handler is not signal.SIG_IGN}
            for signum in self.handlers:
                signal.signal(signum, self._on_signal)

    def _on_signal(self, signum: int, frame: Any) -> None:
        if self.signum:
            raise Interrupted(signum)
        self.signum = signum

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for signum, handler in self.handlers.items():
            signal.signal(signum, handler)
        self.handlers = {}

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(step_seed(self.seed, trainer.fit_loop.total_batch_idx))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        due = self.signum or (batch_idx + 1) % self.save_every == 0
        if due and _between_steps(trainer, batch_idx + 1):
            self._save(trainer, pl_module, LAST)
            self._end_if_asked()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.stopped = trainer.should_stop
        if logger := tensorboard(trainer):
            logger.experiment.flush()  # what the checkpoint counts as done must be on disk before it
        if (loss := self.table.rows[-1].get("val/loss", math.nan)) < self.best:
            self.best = loss
            self._save(trainer, pl_module, BEST)
        self._save(trainer, pl_module, LAST)
        self._end_if_asked()

    def _save(self, trainer: pl.Trainer, pl_module: pl.LightningModule, name: str) -> None:
        check_finite(pl_module)
        trainer.save_checkpoint(self.folder / name)

    def _end_if_asked(self) -> None:
        if self.signum:
            raise Interrupted(self.signum)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.stopped = state_dict["best"], state_dict["stopped"]


def _between_steps(trainer: pl.Trainer, done: int) -> bool:
    """Whether nothing is pending after ``done`` batches: no accumulated gradient, no validation, no epoch's end."""
    if trainer.check_val_every_n_epoch is None:
        done = trainer.fit_loop.total_batch_idx + 1
    validates = trainer.val_check_batch is not None and done % trainer.val_check_batch == 0
    return not (trainer.is_last_batch or validates or done % trainer.accumulate_grad_batches)


def step_seed(seed: int, step: int) -> int:
    """A seed for what is drawn in one step: independent streams for different (seed, step)."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> 1)


def check_finite(pl_module: pl.LightningModule) -> None:
    """Raises InputError where a weight or a running mean is NaN or infinite: such a state is never saved."""
    for name, tensor in pl_module.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{name} holds NaN or infinity and is not saved; pass a smaller lr or precision=32-true")


def purge_step(contents: dict[str, Any] | None) -> int:
    """The first TensorBoard step that a run which goes on from these contents writes anew."""
    return contents["global_step"] + 1 if contents else 0
