"""What a finished run leaves: files, TensorBoard's last entries, and the tables on the screen."""

import math
import shlex
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.table import Table
from torch import Tensor

from colourize import terminal
from colourize.callbacks import EpochTable, step, tensorboard
from colourize.evaluation import KNOWING, PRIOR, TABLE
from colourize.evaluation_page import as_json, print_tables
from colourize.figures import save, save_curves, strip_figure
from colourize.files import replace_text
from colourize.measures import MODEL, Row, standing
from colourize.module import Colourizer
from colourize.options import option
from colourize.targets import short_name
from colourize.terminal import clean

GROUPS = "model", "data", "optimizer", "loss", "scheduler", "trainer"
COMPARED = "val/loss", "val/accuracy", "val/skill", "train/loss", "train/accuracy", "best/val/loss", "images_per_second"


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


def log(trainer: pl.Trainer, knobs: dict[str, Any], metrics: dict[str, float], rows: list[Row]) -> None:
    """Logs the network's measures and its row of TensorBoard's HPARAMS tab, with the values that took effect.

    At the end, because a row given at the start adds a false first point.
    """
    values = {name: value for name, value in knobs.items() if name not in GROUPS and value is not None}
    values |= {f"{group}.{name}": value for group in GROUPS for name, value in (knobs.get(group) or {}).items()}
    flat = {name: value if isinstance(value, int | float) else clean(str(value)) for name, value in values.items()}
    (model,) = (row for row in rows if row.kind == MODEL)
    if logger := tensorboard(trainer):
        estimates = {f"{row.name}/{key}": value for row in rows for key, (value, *_) in row.intervals.items()}
        own = {f"final/{key}": value for key, (value, *_) in model.intervals.items()}
        final = {name: value for name, value in {**estimates, **own}.items() if math.isfinite(value)}
        logger.log_metrics(final, step(trainer) + 1)  # after the last step, so a run that goes on replaces them
        logger.log_hyperparams(flat, {f"hp/{name}": metrics[name] for name in COMPARED}, step(trainer) + 1)
        logger.finalize("success")


def show(folder: Path, knobs: dict[str, Any], module: Colourizer, table: EpochTable, rows: list[Row]) -> None:
    """Prints floors, network and ceilings; the last and the best epoch; where the run stands; where its files are."""
    console = terminal.console()
    print_tables(rows, f"after epoch {table.rows[-1]['epoch'] + 1:.0f}", console)
    size = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    seconds = table.rows[-1]["seconds"]
    console.print(_epochs(table, f"{short_name(knobs['model'])}: {size:,} parameters, {seconds:.0f} s"))
    if knobs.get("loss"):
        name = option(knobs["loss"]["_target_"], "loss")
        console.print(f"trained on loss={name} (train/loss); val/loss is plain cross-entropy, so that runs compare")
    by_name = {row.name: row for row in rows}
    (model,) = (row for row in rows if row.kind == MODEL)
    ceiling = by_name.get(KNOWING)
    console.print(standing(model, by_name[TABLE], by_name[PRIOR], ceiling), style="bold")
    for name in ("pictures.png", "curves.png", "metrics.csv", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        console.print(f"{name.partition('/')[2] or name:13} {folder / name}")
    if (folder / "tensorboard").is_dir():
        console.print(f"{'dashboard':13} tensorboard --logdir {shlex.quote(str(folder))}")


def _epochs(table: EpochTable, title: str) -> Table:
    shown = Table(title=title, title_justify="left")
    shown.add_column("epoch")
    columns = "train/loss", "val/loss", "train/accuracy", "val/accuracy", "val/skill"
    for column in columns:
        shown.add_column(column.replace("/", "\n"), justify="right")  # two lines: it fits 80 characters
    best = min(table.validated_rows(), key=lambda row: row["val/loss"])
    for name, row in (("last", table.rows[-1]), ("best", best)):
        cells = [
            "-" if column not in row else f"{row[column]:.2%}" if "accuracy" in column else f"{row[column]:.4f}"
            for column in columns
        ]
        shown.add_row(f"{row['epoch'] + 1:.0f} ({name})", *cells)
    return shown
