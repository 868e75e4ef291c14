"""A run's curves in TensorBoard."""

import logging
import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import TensorBoardLogger

log = logging.getLogger(__name__)


def logger(folder: Path, purge: int) -> TensorBoardLogger | bool:
    """TensorBoard's logger for a run folder; False if the folder's name is not UTF-8, which TensorBoard requires.

    Args:
        folder: folder of the run.
        purge: the first step that is written again (``purge_step``); TensorBoard drops older points from this step on.
    """
    place = str(folder.absolute())
    if place.encode(errors="surrogatepass") != os.fsencode(place):
        log.warning("%s is not UTF-8: tensorboard/ is left out; metrics.csv contains the curves", place)
        return False
    return TensorBoardLogger(folder, name=None, version="tensorboard", default_hp_metric=False, purge_step=purge)


def tensorboard(trainer: pl.Trainer) -> TensorBoardLogger | None:
    """The run's TensorBoard logger, if it has one."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)


def step(trainer: pl.Trainer) -> int:
    """The position on TensorBoard's axis: steps of the optimizer; batches for a baseline, which has no optimizer."""
    return trainer.global_step or trainer.fit_loop.total_batch_idx + 1


def purge_step(contents: dict[str, Any] | None) -> int:
    """The first TensorBoard step that a run resumed from these contents writes again."""
    if contents is None:
        return 0
    batches: int = contents["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["ready"]
    return (contents["global_step"] or batches) + 1  # as in ``step``


def layout(charts: tuple[str, ...]) -> dict[str, Any]:
    """TensorBoard's custom scalars: one chart with both splits for each metric; tags are regular expressions."""
    return {"training and validation": {name: ["Multiline", [f"^train/{name}$", f"^val/{name}$"]] for name in charts}}
