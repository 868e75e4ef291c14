"""A run in TensorBoard: the folder ``tensorboard/``."""

import logging
import os
import shlex
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from colourize.training.loggers.base import RunLogger

log = logging.getLogger(__name__)


class TensorBoard(TensorBoardLogger, RunLogger):
    """Lightning's logger as a ``RunLogger``."""

    def log_knobs(self, knobs: dict[str, Any]) -> None:
        """Nothing yet: TensorBoard's row of settings is written at the end, by the task's report."""

    def log_picture(self, name: str, picture: Tensor, step: int) -> None:
        self.experiment.add_image(name, picture, step)

    def log_text(self, name: str, text: str, step: int) -> None:
        self.experiment.add_text(name, text, step)

    def flush(self) -> None:
        self.experiment.flush()

    def viewer(self) -> tuple[str, str]:
        return "dashboard", f"tensorboard --logdir {shlex.quote(str(self.save_dir))}"

    def close(self, status: str) -> None:
        self.finalize(status)


def logger(folder: Path, purge: int) -> TensorBoard | bool:
    """TensorBoard's logger for a run folder; False if the folder's name is not UTF-8, which TensorBoard requires.

    Args:
        folder: folder of the run.
        purge: the first step that is written again (``curves.purge_step``); TensorBoard drops older points from this
            step on.
    """
    place = str(folder.absolute())
    if place.encode(errors="surrogatepass") != os.fsencode(place):
        log.warning("%s is not UTF-8: tensorboard/ is left out; metrics.csv contains the curves", place)
        return False
    return TensorBoard(folder, name=None, version="tensorboard", default_hp_metric=False, purge_step=purge)


def tensorboard(trainer: pl.Trainer) -> TensorBoard | None:
    """The run's TensorBoard logger, if it has one."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoard)), None)


def layout(charts: tuple[str, ...]) -> dict[str, Any]:
    """TensorBoard's custom scalars: one chart with both splits for each metric; tags are regular expressions."""
    return {"training and validation": {name: ["Multiline", [f"^train/{name}$", f"^val/{name}$"]] for name in charts}}
