"""What happens beside the training step: pictures, the table of epochs, the progress bar."""

import csv
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, RichProgressBar
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from colourize.data.pictures import example_index
from colourize.figures import picture_grid
from colourize.module import Colourizer
from colourize.palette import dequantize


def tensorboard(trainer: pl.Trainer) -> TensorBoardLogger | None:
    """The run's TensorBoard logger, where it has one."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)


class ExamplePictures(Callback):
    """The same ten validation pictures each epoch, spread evenly over the split: grey, true (quantized), predicted."""

    def __init__(self) -> None:
        self.rows: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Colourizer)
        validation = trainer.datamodule.validation  # type: ignore[attr-defined]
        grey, labels = (tensor.to(pl_module.device) for tensor in validation[example_index(len(validation))])
        precision = trainer.precision_plugin
        with torch.no_grad(), precision.forward_context():
            predicted = pl_module(precision.convert_input(grey)).argmax(dim=1)
        true, shown = dequantize(labels, pl_module.palette), dequantize(predicted, pl_module.palette)
        self.rows = {"grey": grey, "true class": true, "predicted": shown}
        if logger := tensorboard(trainer):
            logger.experiment.add_image("grey, true, predicted", picture_grid(grey, true, shown), trainer.global_step)


class EpochTable(Callback):
    """``metrics.csv``: one row an epoch, with the rate at its start. A run that goes on keeps the rows before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []
        self.num_before = 0  # rows that another run folder's training left

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epoch_start, self.num_pictures = time.perf_counter(), 0
        groups = trainer.optimizers[0].param_groups  # none where there is nothing to train
        self.lr = float(groups[0]["lr"]) if groups else 0.0
        self.validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validated = True

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.num_pictures += len(batch[0])
        self.trained = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        measured = {
            "lr": self.lr,
            "images_per_second": self.num_pictures / (self.trained - self.epoch_start),
        }
        if logger := tensorboard(trainer):
            logger.log_metrics(measured, trainer.global_step)
        means = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("train/") or (name.startswith("val/") and self.validated)
        }
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step, **means, **measured}
        self.rows.append({**row, "seconds": round(time.perf_counter() - self.start, 3)})
        self.write()

    def write(self) -> None:
        with self.path.open("w", newline="") as file:
            columns = dict.fromkeys(name for row in self.rows for name in row)  # an epoch may go without validation
            writer = csv.DictWriter(file, fieldnames=list(columns))
            writer.writeheader()
            writer.writerows(self.rows)

    def validated_rows(self) -> list[dict[str, float]]:
        """Rows of this run's own epochs that ended in a validation."""
        return [row for row in self.rows[self.num_before :] if "val/loss" in row]

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]
        self.num_before = len(self.rows)


class BaselineCheckpoints(Callback):
    """``best.ckpt`` and ``last.ckpt`` of a baseline: it makes no step, so ModelCheckpoint sees nothing to save."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not pl_module.automatic_optimization:
            for name in ("best", "last"):
                trainer.save_checkpoint(self.folder / f"{name}.ckpt")


class ProgressBar(RichProgressBar):
    """Lightning's bar without the logger's version number."""

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}
