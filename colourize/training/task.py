"""A task as a value: everything that a run needs to know about it."""

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

Knobs = dict[str, Any]
Data = TypeVar("Data", bound=BatchedData)
Module = TypeVar("Module", bound=TrainingModule)


@dataclass(frozen=True)
class Fitted(Generic[Data, Module]):
    """The result of a fit, for the report."""

    trainer: pl.Trainer
    module: Module
    data: Data
    table: EpochTable


def summary(fitted: Fitted[Any, Any], folder: Path, knobs: Knobs) -> dict[str, float]:
    """The default report: the last row of the epoch table and the best epoch."""
    return fitted.table.summary()


@dataclass(frozen=True)
class Task(Generic[Data, Module]):
    """The parts that differ between tasks. ``training.run.train`` does the rest.

    Attributes:
        data: loads the data of a configuration.
        fingerprint: identifies the data. A run resumes with the same data only.
        other_data: end of the message "FILE was trained on ..." for a checkpoint trained with other data.
        module: builds the module for the data; the generators are seeded with ``seed`` before.
        check: raises InputError if a new run cannot use the knobs, the data and the module.
        begin: gives the module of a new run what it starts from beside its seed, such as weights of an encoder.
        trial: the network that ``compile=true`` compiles, and an input as a training step gives it, [N, ...], N >= 2;
            None: nothing is compiled.
        callbacks: Lightning's, beside those of every run.
        metrics: those of the table, the bar and the lines.
        constants: names of buffers that training never changes.
        report: measures the trained module, writes and shows results; returns the metrics for ``run.json``.
    """

    data: Callable[[Knobs], Data]
    fingerprint: Callable[[Data], str]
    module: Callable[[Knobs, Data], Module]
    check: Callable[[Knobs, Data, Module], None] = lambda knobs, data, module: None
    begin: Callable[[Knobs, Module], None] = lambda knobs, module: None
    trial: Callable[[Module, Data], tuple[nn.Module, Tensor]] | None = None
    callbacks: Callable[[Knobs], list[Callback]] = lambda knobs: []
    metrics: Metrics = LOSSES
    constants: tuple[str, ...] = ()
    other_data: str = "other data than the present ones; pass those, or start a new run"
    report: Callable[[Fitted[Data, Module], Path, Knobs], dict[str, float]] = summary
