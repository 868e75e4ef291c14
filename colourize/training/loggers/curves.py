"""Writes a run's numbers, pictures and texts to all its loggers, at the same steps."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from colourize.runs.apart import hyperparameters
from colourize.training.loggers.base import RunLogger


def step(trainer: pl.Trainer) -> int:
    """The position on the axis of curves: steps of the optimizer; batches for a floor, which has no optimizer."""
    return trainer.global_step or trainer.fit_loop.total_batch_idx + 1


def purge_step(contents: dict[str, Any] | None) -> int:
    """The first step that a run resumed from these contents writes again."""
    if contents is None:
        return 0
    batches: int = contents["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["ready"]
    return (contents["global_step"] or batches) + 1  # as in ``step``


def log_metrics(trainer: pl.Trainer, values: Mapping[str, float]) -> None:
    """Logs numbers by name at the current step."""
    for logger in _loggers(trainer):
        logger.log_metrics(values, step(trainer))


def log_knobs(trainer: pl.Trainer, config: Mapping[str, Any]) -> None:
    """Logs the effective settings of a configuration."""
    for logger in _loggers(trainer):
        logger.log_knobs(hyperparameters(config))


def log_picture(trainer: pl.Trainer, name: str, picture: Tensor) -> None:
    """Logs a picture, float [3, H, W] in [0, 1], at the current step."""
    for logger in _loggers(trainer):
        logger.log_picture(name, picture, step(trainer))


def log_text(trainer: pl.Trainer, name: str, text: str) -> None:
    """Logs a text in Markdown after the last step, so that a resumed run replaces it."""
    for logger in _loggers(trainer):
        logger.log_text(name, text, step(trainer) + 1)


def viewers(trainer: pl.Trainer) -> list[tuple[str, str]]:
    """For each logger that stored values, a word, and the command, file or address that shows them."""
    return [found for logger in _loggers(trainer) if (found := logger.viewer()) is not None]


def flush(trainer: pl.Trainer) -> None:
    """Writes all logged values; points of the steps in a checkpoint must be written before it."""
    for logger in _loggers(trainer):
        logger.flush()


@contextlib.contextmanager
def closed(trainer: pl.Trainer, only_on_error: bool = False) -> Iterator[None]:
    """Ends the logging when the block ends; with ``only_on_error`` only if it fails or is interrupted."""
    try:
        yield
    except BaseException:
        for logger in _loggers(trainer):
            with contextlib.suppress(Exception):  # it must not replace the error that ended the run
                logger.close("failed")
        raise
    if not only_on_error:
        for logger in _loggers(trainer):
            logger.close("success")


def _loggers(trainer: pl.Trainer) -> list[RunLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, RunLogger)]
