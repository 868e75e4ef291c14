"""A task as a value: everything that a run needs from it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor, nn

from colourize.training.batches import BatchedData
from colourize.training.epoch_table import EpochTable
from colourize.training.metrics import LOSSES, Metrics
from colourize.training.module import TrainingModule
from colourize.training.start import Start

Knobs = dict[str, Any]
Data = TypeVar("Data", bound=BatchedData)
Module = TypeVar("Module", bound=TrainingModule)


@dataclass(frozen=True)
class Fitted(Generic[Data, Module]):
    """The result of ``fit``, for the report."""

    trainer: pl.Trainer
    module: Module
    data: Data
    table: EpochTable


def summary(fitted: Fitted[Any, Any], folder: Path, knobs: Knobs) -> dict[str, float]:
    """The default report: the last row of the epoch table and the best epoch."""
    return fitted.table.summary()


@dataclass(frozen=True)
class Task(Generic[Data, Module]):
    """The parts that differ between tasks; ``training.run.train`` contains the common parts.

    Attributes:
        data: loads the data of a configuration.
        resumed_data: loads the data of a run that is resumed from a checkpoint; None: as a new run.
        fingerprint: identifies the data. A run can be resumed only with the same data.
        other_data: end of the message "FILE was trained on ..." for a checkpoint trained with other data.
        module: builds the module for the data; the generators are seeded with ``seed`` before the call.
        check: raises InputError if a new run cannot use the knobs, the data and the module.
        begin: loads initial values into the module of a new run, such as weights of an encoder.
        compilable: the network for ``compile=true``, and an input of a training step, [N, ...], N >= 2; None: there is
            no such network.
        callbacks: Lightning callbacks of the task, in addition to those of every run.
        metrics: the metrics of the table, the bar and the lines.
        constants: names of buffers that training does not change.
        name: its name in ``cli.follow``, by which other ranks find it; empty: one process trains it.
        report: evaluates the trained module, writes and shows results; returns the metrics for ``run.json``.
    """

    data: Callable[[Knobs], Data]
    fingerprint: Callable[[Data], str]
    module: Callable[[Knobs, Data], Module]
    check: Callable[[Knobs, Data, Module], None] = lambda knobs, data, module: None
    begin: Callable[[Knobs, Module], None] = lambda knobs, module: None
    compilable: Callable[[Module, Data], tuple[nn.Module, Tensor]] | None = None
    callbacks: Callable[[Knobs], list[Callback]] = lambda knobs: []
    resumed_data: Callable[[Knobs, Start], Data] | None = None
    metrics: Metrics = LOSSES
    constants: tuple[str, ...] = ()
    name: str = ""
    other_data: str = "other data than the present ones; pass those, or start a new run"
    report: Callable[[Fitted[Data, Module], Path, Knobs], dict[str, float]] = summary
