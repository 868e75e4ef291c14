"""Lightning's Trainer for a run, with the callbacks of every run."""

import logging
import math
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.loggers import Logger
from pytorch_lightning.profilers import AdvancedProfiler, PyTorchProfiler, SimpleProfiler
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from colourize.errors import InputError
from colourize.present import terminal
from colourize.training.averaging import MovingAverage
from colourize.training.checkpoint_io import CheckpointFiles
from colourize.training.distributed import collectives
from colourize.training.distributed.lightning import Ddp, Together
from colourize.training.distributed.place import Place
from colourize.training.epoch_table import EpochTable
from colourize.training.progress import EpochLines, ProgressBar
from colourize.training.resumption import Resumption
from colourize.training.task import Knobs, Task

PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler, "pytorch": PyTorchProfiler}


def callbacks_of(
    task: Task[Any, Any], knobs: Knobs, folder: Path, table: EpochTable, added: Iterable[Callback] = ()
) -> list[Callback]:
    """The callbacks of a run, in order: each sees the effects of the earlier ones; ``added``: of the knob."""
    found: list[Callback] = [table, *task.callbacks(knobs), *added]
    if knobs["trainer"].get("enable_progress_bar") is not False and collectives.rank() == 0:
        on_terminal = terminal.console().is_terminal
        found.append(ProgressBar(task.metrics.training) if on_terminal else EpochLines(table))
    if knobs.get("ema") is not None:
        found.append(MovingAverage(knobs["ema"]))  # after the callbacks that must see the average
    if collectives.size() > 1:
        found.append(Together())
    if knobs["patience"] is not None:
        mode = "max" if task.metrics.highest else "min"
        found.append(EarlyStopping(task.metrics.decides, patience=knobs["patience"], mode=mode, check_finite=False))
    max_time = knobs["trainer"].get("max_time")
    return [*found, Resumption(folder / "checkpoints", table, knobs["seed"], knobs["save_every"], max_time)]


def trainer_of(
    knobs: Knobs,
    folder: Path,
    callbacks: list[Callback],
    loggers: Sequence[Logger] = (),
    place: Place | None = None,
) -> pl.Trainer:
    """The Trainer of a run.

    Args:
        knobs: the configuration; ``trainer`` contains Lightning's own arguments.
        folder: folder of the run.
        callbacks: all callbacks.
        loggers: all loggers.
        place: this process's place among several ranks.

    Raises:
        InputError: Lightning rejects an argument.
    """
    defaults = {"devices": 1, "num_sanity_val_steps": 0, "enable_model_summary": False}
    arguments = {name: knobs[name] for name in ("accelerator", "precision", "max_epochs")}
    ours: dict[str, Any] = {
        "enable_progress_bar": any(isinstance(callback, ProgressBar) for callback in callbacks),
        "max_time": None,
    }
    if name := knobs["trainer"].get("profiler"):
        ours["profiler"] = PROFILERS[name](folder, "profile") if collectives.rank() == 0 else None
    if place is not None:
        nodes = place.size // place.local_size
        ours |= {"devices": place.local_size, "num_nodes": nodes, "strategy": Ddp(place)}
        ours["use_distributed_sampler"] = False
    try:
        return pl.Trainer(
            **{**defaults, **arguments, **knobs["trainer"], **ours},
            callbacks=callbacks,
            plugins=[CheckpointFiles(), *([] if place else [LightningEnvironment()])],  # instead of Slurm's variables
            logger=list(loggers),
            default_root_dir=folder,
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        asked = " ".join(f"{name}={value}" for name, value in {**arguments, **knobs["trainer"]}.items())
        remedy = "; pass accelerator=cpu or auto" if knobs["accelerator"] == "gpu" else ""
        raise InputError(f"{asked}: {' '.join(str(error).split())}{remedy}") from error


def check_limits(trainer: pl.Trainer, training: int, validation: int, least_one: bool) -> None:
    """Checks the shares of batches against the number of batches, before Lightning does.

    Args:
        trainer: the Trainer.
        training: batches of an epoch.
        validation: batches of a validation.
        least_one: whether a share below one batch becomes one batch.

    Raises:
        InputError: a share leaves no batch.
    """
    for name, count in (("limit_train_batches", training), ("limit_val_batches", validation)):
        share = getattr(trainer, name)
        if not isinstance(share, float) or int(share * count) > 0:
            continue
        if not least_one:
            least = math.ceil(1e4 / count) / 1e4
            raise InputError(
                f"trainer.{name}={share} leaves none of {count} batches; pass {least:g} or more, or 1 (batch)"
            )
        setattr(trainer, name, 1)


def log_each_epoch(trainer: pl.Trainer, training: int) -> None:
    """Lets callbacks that log every ``log_every_n_steps`` log at least once in an epoch of ``training`` batches."""
    limit = trainer.limit_train_batches
    batches = int(limit * training) if isinstance(limit, float) else min(limit, training)
    steps = max(1, batches // trainer.accumulate_grad_batches)
    trainer.log_every_n_steps = min(trainer.log_every_n_steps, steps)  # type: ignore[attr-defined]


def quiet() -> None:
    """Hides messages and warnings that Lightning prints in every run."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # the data are in memory, so workers would only copy
        ".*number of training batches .* is smaller than the logging interval.*",  # we log once per epoch
        ".*LeafSpec.* is deprecated.*",  # Lightning's own use
        ".*this fit will run with no optimizer.*",  # a floor has nothing to optimize
        ".*your dataloader is not resumable.*",  # it is: TrainingModule saves the place
        ".*`srun` command is available.*",  # on a machine with Slurm, a run outside of Slurm is correct
        ".*`broadcast_buffers` is deprecated.*",  # torch 2.6 does not know the new name
        ".*when logging on epoch level in distributed setting.*",  # the sums of all ranks are logged
    ):
        warnings.filterwarnings("ignore", message=message)
