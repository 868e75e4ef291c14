"""What happens beside the training step: pictures, the table of epochs, the progress bar."""

import contextlib
import csv
import io
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, RichProgressBar
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from colourize import files
from colourize.colour.decoding import colours_of_classes
from colourize.data.pictures import example_index
from colourize.model import Model
from colourize.present.figures import picture_grid
from colourize.present.terminal import raw

COLUMNS = "epoch", "step", "train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/skill"
PICTURES = "val/grey, true, predicted"
LAYOUT = {
    "training and validation": {
        name: ["Multiline", [f"^train/{name}$", f"^val/{name}$"]] for name in ("loss", "accuracy")
    }
}  # of TensorBoard's custom scalars: charts of tags, as regular expressions
BAR_RATE = 10  # looks a second; a look costs more than a step on a GPU


def tensorboard(trainer: pl.Trainer) -> TensorBoardLogger | None:
    """The run's TensorBoard logger, where it has one."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)


def step(trainer: pl.Trainer) -> int:
    """Where a point stands on TensorBoard's axis: the optimizer's steps, or batches where a baseline makes none."""
    return trainer.global_step or trainer.fit_loop.total_batch_idx + 1


class ExamplePictures(Callback):
    """The same ten validation pictures each epoch, spread evenly over the split: grey, true (quantized), predicted."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if logger := tensorboard(trainer):
            precision = trainer.precision_plugin
            validation = trainer.datamodule.validation  # type: ignore[attr-defined]
            with precision.forward_context():
                grey, labels = validation[example_index(len(validation))]
                shown = examples(pl_module.model, precision.convert_input(grey), labels)
            logger.experiment.add_image(PICTURES, picture_grid(*shown.values()), step(trainer))


def examples(model: Model, grey: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Rows of pictures: grey [N, 1, H, W]; the true classes' and the most probable classes' colours, [N, 3, H, W]."""
    grey, labels = grey.to(model.palette.device), labels.to(model.palette.device)
    with torch.no_grad():
        predicted = model(grey).argmax(dim=1)
    true, shown = (colours_of_classes(each, grey, model.palette, model.space) for each in (labels, predicted))
    return {"grey": model.space.neutral(grey), "true class": true, "predicted": shown}


class EpochTable(Callback):
    """``metrics.csv`` and TensorBoard's curves: one row an epoch, with the rate at its start.

    Rows, sums of the epoch under way and seconds are part of the checkpoint: a run that goes on keeps them.
    """

    def __init__(self, path: Path, forked: bool = False) -> None:
        self.path = path
        self.forked = forked  # from another folder's checkpoint
        self.rows: list[dict[str, float]] = []
        self.num_before = 0  # rows that another folder's training left
        self.begun: dict[str, Any] = {}  # the epoch under way: rate, sums and number of pictures, last validation
        self.seconds = 0.0  # of training before this process

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = self.epoch_start = self.trained = time.perf_counter()
        self.num_timed = 0
        if logger := tensorboard(trainer):
            logger.experiment.add_custom_scalars(LAYOUT)
        self.write()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epoch_start, self.num_timed = time.perf_counter(), 0
        groups = trainer.optimizers[0].param_groups  # none where there is nothing to train
        sums = torch.zeros(2, dtype=torch.float64, device=pl_module.device)
        self.begun = {"lr": float(groups[0]["lr"]) if groups else 0.0, "sums": sums, "num_pictures": 0, "val": {}}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        count = len(batch[0])
        shown = torch.stack([pl_module.loss, outputs["accuracy"]])  # outputs["loss"]: divided by the batches of a step
        self.begun["sums"] = self.begun["sums"].to(shown.device).add_(shown, alpha=count)
        self.begun["num_pictures"] += count
        self.num_timed += count
        self.trained = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        means = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
        self.begun["val"] = means
        if logger := tensorboard(trainer):
            lowest = min(row["val/loss"] for row in [*self.validated_rows(), means])
            logger.log_metrics({**means, "val/lowest_loss": lowest}, step(trainer))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        loss, accuracy = (self.begun["sums"] / self.begun["num_pictures"]).tolist()
        measured = {
            "train/loss": loss,
            "train/accuracy": accuracy,
            "lr": self.begun["lr"],
            "images_per_second": self.num_timed / (self.trained - self.epoch_start),
        }
        if logger := tensorboard(trainer):
            # TensorBoard opens the first two groups of tags: train and val, if there is nothing before them
            tags = {name if "/" in name else f"train/{name}": value for name, value in measured.items()}
            logger.log_metrics(tags, step(trainer))
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step, **self.begun["val"], **measured}
        self.rows.append({**row, "seconds": round(self._elapsed(), 3)})
        self.write()

    def write(self) -> None:
        columns = dict.fromkeys([*COLUMNS, *(name for row in self.rows for name in row)])
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(columns))  # an epoch may go without validation
        writer.writeheader()
        writer.writerows(self.rows)
        files.replace_text(self.path, text.getvalue())

    def validated_rows(self) -> list[dict[str, float]]:
        """Rows of this folder's epochs that ended in a validation."""
        return [row for row in self.rows[self.num_before :] if "val/loss" in row]

    def _elapsed(self) -> float:
        return self.seconds + time.perf_counter() - self.start

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "begun": self.begun, "seconds": self._elapsed(), "num_before": self.num_before}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.begun, self.seconds = (state_dict[name] for name in ("rows", "begun", "seconds"))
        self.num_before = len(self.rows) if self.forked else state_dict["num_before"]


class ProgressBar(RichProgressBar):
    """Lightning's bar with loss and accuracy of a recent batch, looked at a few times a second."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=BAR_RATE, console_kwargs={"file": raw(sys.stdout)})
        self.shown: dict[str, float] = {}
        self.due = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if (now := time.monotonic()) >= self.due or trainer.is_last_batch:
            self.due = now + 1 / BAR_RATE
            self.shown = {"loss": float(pl_module.loss), "accuracy": float(outputs["accuracy"])}
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def _stop_progress(self) -> None:
        with contextlib.suppress(RuntimeError):  # a signal came while the bar's thread started: it cannot be joined
            super()._stop_progress()

    def _get_train_description(self, current_epoch: int) -> str:
        """Epochs as people count them, and as the tables do."""
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}".ljust(len(self.validation_description))

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """What the bar shows: without the logger's version number."""
        shown = {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}
        return {**self.shown, **shown}


class EpochLines(Callback):
    """A line for each epoch on standard output, where that is no terminal on which a bar could move.

    Args:
        table: whose last row is shown.
    """

    def __init__(self, table: EpochTable) -> None:
        self.table = table

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        row = self.table.rows[-1]
        figures = [f"{name} {row[name]:.5g}" for name in COLUMNS if "/" in name and name != "val/skill" and name in row]
        with contextlib.suppress(OSError):  # whoever read it has gone, which ends no run
            line = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: {', '.join(figures)}"
            print(f"{line}, after {row['seconds']:.1f} s", flush=True)
