"""What a finished run leaves: files, TensorBoard's last entries, and the tables on the screen."""

import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torch.utils.tensorboard.summary import hparams

from colourize.config.instantiate import short_name
from colourize.config.options import option
from colourize.evaluation.measures import MODEL, Row, standing
from colourize.evaluation.yardstick import KNOWING, PRIOR, QUICK, TABLE
from colourize.evaluation_page import as_json, as_markdown, table_of, widened
from colourize.files import replace_text
from colourize.present import terminal
from colourize.present.figures import save, save_curves, strip_figure
from colourize.runs.apart import hyperparameters
from colourize.tasks.colourization.module import Colourizer
from colourize.training.callbacks import EpochTable, step, tensorboard


def summary(table: EpochTable) -> dict[str, float]:
    """The last epoch's row, its validation the last there was, and which epoch of this run was the best."""
    validated = table.validated_rows()
    best = min(validated, key=lambda row: row["val/loss"])
    return {**validated[-1], **table.rows[-1], "best/epoch": best["epoch"], "best/val/loss": best["val/loss"]}


def write(folder: Path, knobs: dict[str, Any], table: EpochTable, strip: dict[str, Tensor], rows: list[Row]) -> None:
    """Writes ``pictures.png``, ``curves.png`` and ``evaluation.json``."""
    kernel = f", kernel {knobs['model']['kernel']}" if "kernel" in knobs["model"] else ""
    title = f"{short_name(knobs['model'])}{kernel}, {option(knobs['data']['_target_'], 'data')}"
    save(strip_figure(strip, title), folder / "pictures.png")
    loss = f"training loss: {option(knobs['loss']['_target_'], 'loss')}" if knobs.get("loss") else ""
    save_curves(folder / "curves.png", table.rows, title, loss)
    replace_text(folder / "evaluation.json", as_json(rows) + "\n")


def log(trainer: pl.Trainer, knobs: dict[str, Any], rows: list[Row]) -> None:
    """Logs the table of floors, network and ceilings as a text, and the run's row of TensorBoard's HPARAMS tab.

    Only what the run was set to: TensorBoard then takes for measures the last points of the curves, and shows first
    what differs between runs.
    """
    if logger := tensorboard(trainer):
        writer, at = logger.experiment, step(trainer) + 1  # after the last step, so a run that goes on replaces them
        writer.add_text("evaluation", as_markdown(rows), at)
        _, begun, ended = hparams(hyperparameters(knobs), {})
        for summary_ in (begun, ended):
            writer._get_file_writer().add_summary(summary_, at)
        logger.finalize("success")


def show(folder: Path, knobs: dict[str, Any], module: Colourizer, table: EpochTable, rows: list[Row]) -> None:
    """Prints floors, network and ceilings by five measures; where the network stands; where its files are."""
    console = terminal.console()
    widened(console)
    count = len(next(iter(rows[0].columns.values())))
    title = f"after epoch {table.rows[-1]['epoch'] + 1:.0f}: {count:,} validation picture{'s' * (count > 1)}"
    console.print(table_of(rows, QUICK, title))
    console.print()
    for line in _sentences(knobs, module, table):
        console.print(textwrap.fill(line, console.width))
    by_name = {row.name: row for row in rows}
    (model,) = (row for row in rows if row.kind == MODEL)
    stands = standing(model, by_name[TABLE], by_name[PRIOR], by_name.get(KNOWING))
    console.print(textwrap.fill(stands, console.width), style="bold")
    for name in ("pictures.png", "curves.png", "metrics.csv", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        console.print(f"{name.partition('/')[2] or name:13} {folder / name}")
    where = shlex.quote(str(folder))
    if (folder / "tensorboard").is_dir():
        console.print(f"{'dashboard':13} tensorboard --logdir {where}")
    console.print(f"{'all measures':13} colourize evaluate {where}")


def _sentences(knobs: dict[str, Any], module: Colourizer, table: EpochTable) -> list[str]:
    """The network's size, its time, its best epoch; and what it was trained on, where that is not what is measured."""
    size = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    best, last = min(table.validated_rows(), key=lambda row: row["val/loss"]), table.rows[-1]
    lines = [
        f"{short_name(knobs['model'])}: {size:,} parameters, {last['seconds']:.0f} s; training loss "
        f"{last['train/loss']:.4f}; lowest validation loss {best['val/loss']:.4f}, after epoch {best['epoch'] + 1:.0f}"
    ]
    if knobs.get("loss"):
        name = option(knobs["loss"]["_target_"], "loss")
        lines.append(f"trained on loss={name} (train/loss); val/loss is plain cross-entropy, so that runs compare")
    return lines
