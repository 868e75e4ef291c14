"""A task as a value: everything that the life of a run needs to know about it."""

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
    """What a fit leaves for the report."""

    trainer: pl.Trainer
    module: Module
    data: Data
    table: EpochTable


def summary(fitted: Fitted[Any, Any], folder: Path, knobs: Knobs) -> dict[str, float]:
    """The default report: the last row of the epoch table and the best epoch."""
    return fitted.table.summary()


@dataclass(frozen=True)
class Task(Generic[Data, Module]):
    """What is special to one task. ``training.run.train`` does the rest.

    Attributes:
        data: loads the data of a configuration.
        fingerprint: identifies the data. A run resumes with the same data only.
        other_data: what the message says of a checkpoint that was trained with others, and the remedy.
        module: builds the module for the data; the generators are seeded with ``seed`` before.
        check: raises InputError where a new run cannot work with the knobs, the data and the module.
        trial: the network that ``compile=true`` compiles, and an input as a training step gives it, [N, ...], N >= 2;
            None: nothing is compiled.
        callbacks: Lightning's, beside those of every run.
        metrics: what the table, the bar and the lines show.
        constants: names of buffers that training never changes.
        report: measures, writes and shows what was trained; returns the metrics for ``run.json``.
    """

    data: Callable[[Knobs], Data]
    fingerprint: Callable[[Data], str]
    module: Callable[[Knobs, Data], Module]
    check: Callable[[Knobs, Data, Module], None] = lambda knobs, data, module: None
    trial: Callable[[Module, Data], tuple[nn.Module, Tensor]] | None = None
    callbacks: Callable[[Knobs], list[Callback]] = lambda knobs: []
    metrics: Metrics = LOSSES
    constants: tuple[str, ...] = ()
    other_data: str = "other data than there are now; pass those, or start a run of its own"
    report: Callable[[Fitted[Data, Module], Path, Knobs], dict[str, float]] = summary
