"""A run interrupted anywhere, any number of times, resumes to the same bits (docs/reliability.md).

No states of random generators are stored. The order of the examples depends on (seed, epoch), see
``training.batches.Batches``; all other random numbers depend on (seed, step), see ``on_train_batch_start``. So a
checkpoint needs only weights, optimizer, schedule, the epoch and its number of finished batches
(``training.batches.place``), and the metrics so far.
"""

import hashlib
import logging
import math
import os
import signal
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from colourize import files
from colourize.config.trainer_knobs import seconds
from colourize.errors import SIGNALS, InputError, Interrupted, OutOfTime, one_line
from colourize.runs.checkpoint import BEST, LAST, read
from colourize.training.added_callbacks import obstacle
from colourize.training.distributed import collectives
from colourize.training.epoch_table import EpochTable
from colourize.training.loggers import curves
from colourize.training.module import remedies

log = logging.getLogger(__name__)


class Resumption(Checkpoint):
    """The only writer of checkpoints: ``best.ckpt`` and ``last.ckpt`` after an epoch, ``last.ckpt`` between batches.

    A signal only sets a flag: the run is saved after the current batch and exits with 128 + the signal's number. A
    second signal ends it at once. ``max_time`` ends it in the same way, except if nothing is left to train.
    Lightning calls this callback last, so that the others have seen the batch.

    Args:
        folder: folder of the checkpoints.
        table: the metrics; its last row decides whether the epoch is the best.
        seed: seed of the run.
        save_every: batches between two saves within an epoch.
        max_time: the time after which the run ends, from now: "DD:HH:MM:SS"; None: no limit.
    """

    def __init__(self, folder: Path, table: EpochTable, seed: int, save_every: int, max_time: Any = None) -> None:
        self.folder = folder
        self.table = table
        self.seed = seed
        self.save_every = save_every
        self.max_time = max_time
        self.end = math.inf if max_time is None else time.monotonic() + seconds(max_time)
        self.best = math.inf  # ``Metrics.rank`` of the epoch in best.ckpt
        self.stopped = False
        self.begun = False  # whether the checkpoint was restored and training has begun
        self.signum = 0
        self.agreed: tuple[int, ...] = (0, 0)  # with several ranks: the signal and whether time is over, for all
        self.due = False
        self.handlers: dict[int, Any] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if threading.current_thread() is threading.main_thread():  # now: Lightning replaces that of SIGTERM after this
            kept = {signum: signal.getsignal(signum) for signum in SIGNALS}  # nohup ignores SIGHUP, and this stays so
            self.handlers = {signum: handler for signum, handler in kept.items() if handler is not signal.SIG_IGN}
        if collectives.rank():
            return
        files.check_no_links([self.folder])
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(".*.tmp"):  # of a process killed while saving
            if leftover.is_file():
                leftover.unlink()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (
            rank := _rank_of(self.folder / BEST)
        ) != self.best:  # damaged, or in the folder from which the run was forked
            self.best = math.inf if math.isnan(rank) else rank
        _check_schedule(trainer)
        self.begun = True
        trainer.should_stop |= self.stopped  # training that stopped early does not restart
        for signum in self.handlers:
            signal.signal(signum, self._on_signal)

    def _on_signal(self, signum: int, frame: Any) -> None:
        if self.signum:
            raise Interrupted(signum)
        self.signum = signum
        # not print(): the signal may have interrupted a print()
        if collectives.rank():
            return
        os.write(
            2, f"\ncolourize: {signal.Signals(signum).name}: saving after this batch; again to leave at once\n".encode()
        )

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for signum, handler in self.handlers.items():
            signal.signal(signum, handler)
        if self.signum and collectives.rank() == 0:
            raise Interrupted(self.signum)  # after the last save

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        seed = step_seed(self.seed, trainer.fit_loop.total_batch_idx)
        if rank := collectives.rank():
            seed = step_seed(seed, rank)
        if pl_module.device.type == "cpu":
            # not torch.manual_seed: without a GPU it stores each call, with a traceback, until CUDA is initialized
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.due |= (batch_idx + 1) % self.save_every == 0
        self._agree()
        if (self.due or self._asked() or self._late()) and _between_steps(trainer, batch_idx + 1):
            self._save(trainer, pl_module, LAST)
            place = f", saved in epoch {trainer.current_epoch + 1} after batch {batch_idx + 1}"
            self._end_if_asked(place, obstacle(trainer))
            self._end_if_late(place, obstacle(trainer))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        early = trainer.early_stopping_callback
        self.stopped = early is not None and early.stopped_epoch > 0
        row, metrics = self.table.rows[-1], self.table.metrics
        # a metric may be NaN in every epoch; then the last validated epoch is the best
        if metrics.decides in row and ((rank := metrics.rank(row)) < self.best or self.best == math.inf):
            self.best = rank
            self._save(trainer, pl_module, BEST)
        self._save(trainer, pl_module, LAST)
        self._agree()
        place = f", saved after epoch {trainer.current_epoch + 1}"
        self._end_if_asked(place, obstacle(trainer))
        if trainer.current_epoch + 1 < (trainer.max_epochs or 0) and not trainer.should_stop:
            self._end_if_late(place, obstacle(trainer))

    def _save(self, trainer: pl.Trainer, pl_module: pl.LightningModule, name: str) -> None:
        check_finite(pl_module)
        curves.flush(trainer)
        trainer.save_checkpoint(self.folder / name)
        self.due = False

    def _agree(self) -> None:
        """Makes all ranks end at the same batch: a signal to one of them, or the end of its time, counts for all."""
        self.agreed = collectives.highest(self.signum, time.monotonic() >= self.end)

    def _asked(self) -> int:
        """The signal that asks the run to end; 0: none does."""
        return self.agreed[0] if collectives.size() > 1 else self.signum

    def _late(self) -> bool:
        return bool(self.agreed[1]) if collectives.size() > 1 else time.monotonic() >= self.end

    def _end_if_asked(self, place: str, obstacle: str) -> None:
        if signum := self._asked():
            raise Interrupted(signum, place, obstacle)

    def _end_if_late(self, place: str, obstacle: str) -> None:
        if self._late():
            raise OutOfTime(self.max_time, place, obstacle)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.stopped = state_dict["best"], state_dict["stopped"]


def _between_steps(trainer: pl.Trainer, done: int) -> bool:
    """Whether nothing is pending after ``done`` batches: no accumulated gradient, validation or end of the epoch."""
    if trainer.check_val_every_n_epoch is None:
        done = trainer.fit_loop.total_batch_idx + 1
    validates = trainer.val_check_batch is not None and done % trainer.val_check_batch == 0
    return not (trainer.is_last_batch or validates or done % trainer.accumulate_grad_batches)


def _check_schedule(trainer: pl.Trainer) -> None:
    """Raises ValueError if a restored schedule is at another step than the run, or has another length."""
    for config in trainer.lr_scheduler_configs:
        schedule: Any = config.scheduler
        length = getattr(schedule, "total_steps", getattr(schedule, "T_max", None))
        if schedule.last_epoch != trainer.global_step or length not in (None, trainer.estimated_stepping_batches):
            raise ValueError(f"its schedule is at step {schedule.last_epoch}, training at {trainer.global_step}")


def step_seed(seed: int, step: int) -> int:
    """The seed of one step: independent streams for different (seed, step)."""
    return int.from_bytes(hashlib.blake2b(struct.pack(">QQ", seed, step), digest_size=8).digest()) >> 1


def check_finite(module: Any) -> None:
    """Raises InputError if a weight or a running mean is NaN or infinite, so that such a state is not saved."""
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{name} contains NaN or infinity and is not saved; {remedies(module.config)}")


def _rank_of(best: Path) -> float:
    """The rank of the epoch in ``best.ckpt`` by its deciding metric; NaN if the file is missing or damaged."""
    try:
        rank = float(read(best)["callbacks"]["Resumption"]["best"]) if best.exists() else math.nan
    except (LookupError, TypeError, ValueError) as error:  # InputError is a ValueError
        log.warning("%s; the best epoch from now on replaces it", one_line(error).partition(";")[0])
        return math.nan
    return rank
