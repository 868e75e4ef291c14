"""``metrics.csv``: one row per epoch."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from colourize import files
from colourize.training.distributed import collectives
from colourize.training.loggers import curves
from colourize.training.loggers.tensorboard import layout, tensorboard
from colourize.training.metrics import Metrics


class EpochTable(Callback):
    """``metrics.csv`` and the curves of the loggers: one row per epoch, with the learning rate at its start.

    The checkpoint contains the rows, the sums of the current epoch and the seconds, so a resumed run keeps them.

    Args:
        path: the file ``metrics.csv``.
        metrics: names of the columns.
        forked: whether the run starts from another folder's checkpoint.
    """

    def __init__(self, path: Path, metrics: Metrics, forked: bool = False) -> None:
        self.path = path
        self.metrics = metrics
        self.forked = forked
        self.rows: list[dict[str, float]] = []
        self.num_before = 0  # rows from training in another folder
        self.begun: dict[str, Any] = {}  # the current epoch: rate, sums, number of examples, last validation
        self.seconds = 0.0  # of training in earlier processes

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.start = self.epoch_start = self.trained = time.perf_counter()
        self.num_timed = 0
        if logger := tensorboard(trainer):
            logger.experiment.add_custom_scalars(layout(self.metrics.charts))
        curves.log_knobs(trainer, pl_module.config)
        self.write()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epoch_start, self.num_timed = time.perf_counter(), 0
        groups = trainer.optimizers[0].param_groups  # empty if there is nothing to train
        sums = torch.zeros(len(self.metrics.training), dtype=torch.float64, device=pl_module.device)
        self.begun = {"lr": float(groups[0]["lr"]) if groups else 0.0, "sums": sums, "num_examples": 0, "val": {}}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        count = pl_module.batch_examples  # not len(batch[0]): a rank may have no example of a batch
        values = {**outputs, "loss": pl_module.loss}  # outputs["loss"] is divided by the batches of a step
        shown = torch.stack([values[name] for name in self.metrics.training])
        self.begun["sums"] = self.begun["sums"].to(shown.device).add_(shown, alpha=count)
        self.begun["num_examples"] += count
        self.num_timed += count
        self.trained = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        means = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
        self.begun["val"] = means
        decides, word = self.metrics.decides, "highest" if self.metrics.highest else "lowest"
        best = min([*self.validated_rows(), means], key=self.metrics.rank)[decides]
        curves.log_metrics(trainer, {**means, f"val/{word}_{decides.removeprefix('val/')}": best})

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        ranks = self._of_ranks()
        means = (ranks[:, :-1].sum(dim=0) / ranks[:, -1].sum()).tolist()
        num_timed = int(collectives.total(torch.tensor(self.num_timed)))
        measured = {
            **{f"train/{name}": mean for name, mean in zip(self.metrics.training, means, strict=True)},
            "lr": self.begun["lr"],
            self.metrics.speed: num_timed / (self.trained - self.epoch_start),
        }
        # TensorBoard opens the first two groups of tags: a tag without a group would come before train and val
        tags = {name if "/" in name else f"train/{name}": value for name, value in measured.items()}
        curves.log_metrics(trainer, tags)
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step, **self.begun["val"], **measured}
        self.rows.append({**row, "seconds": round(self._elapsed(), 3)})
        self.write()

    def write(self) -> None:
        """Writes ``metrics.csv``."""
        names = ["epoch", "step", *self.metrics.columns, *(name for row in self.rows for name in row)]
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(names)))  # an epoch may have no validation
        writer.writeheader()
        writer.writerows(self.rows)
        if collectives.rank() == 0:
            files.replace_text(self.path, text.getvalue())

    def validated_rows(self) -> list[dict[str, float]]:
        """Rows of the epochs in this folder that ended with a validation."""
        return [row for row in self.rows[self.num_before :] if self.metrics.decides in row]

    def best_row(self) -> dict[str, float]:
        """The row with the best deciding metric among ``validated_rows``."""
        return min(self.validated_rows(), key=self.metrics.rank)

    def summary(self) -> dict[str, float]:
        """The row of the last epoch, with missing values from the last validation, and this run's best epoch."""
        best, decides = self.best_row(), self.metrics.decides
        last = {**self.validated_rows()[-1], **self.rows[-1]}
        return {**last, "best/epoch": best["epoch"], f"best/{decides}": best[decides]}

    def _elapsed(self) -> float:
        return self.seconds + time.perf_counter() - self.start

    def _of_ranks(self) -> Tensor:
        """The sums of the current epoch and, as the last column, the numbers of examples: float64 [W, metrics + 1]."""
        sums = self.begun["sums"].cpu()
        return collectives.each(torch.cat((sums, sums.new_tensor([self.begun["num_examples"]]))))

    def state_dict(self) -> dict[str, Any]:
        begun = self.begun
        if begun and collectives.size() > 1:
            ranks = self._of_ranks()
            *sums, count = ranks.sum(dim=0)
            begun = {**begun, "sums": torch.stack(sums), "num_examples": int(count), "ranks": ranks}
        return {"rows": self.rows, "begun": begun, "seconds": self._elapsed(), "num_before": self.num_before}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, begun, self.seconds = (state_dict[name] for name in ("rows", "begun", "seconds"))
        self.begun = _own(begun) if begun else begun
        self.num_before = len(self.rows) if self.forked else state_dict["num_before"]


def _own(begun: dict[str, Any]) -> dict[str, Any]:
    """This rank's part of an epoch under way; with another number of ranks than before, rank 0 has all of it."""
    begun = dict(begun)
    ranks, rank = begun.pop("ranks", None), collectives.rank()
    if ranks is not None and len(ranks) == collectives.size() > 1:
        *sums, count = ranks[rank]
        return {**begun, "sums": torch.stack(sums), "num_examples": int(count)}
    return begun if rank == 0 else {**begun, "sums": torch.zeros_like(begun["sums"]), "num_examples": 0}
