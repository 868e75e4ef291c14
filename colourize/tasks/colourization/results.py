"""The results of a finished run: files, final entries of the loggers, tables in the terminal."""

import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torch.utils.tensorboard.summary import hparams

from colourize.config.instantiate import short_name
from colourize.config.knobs import value_in
from colourize.config.options import option
from colourize.data.pictures import example_index
from colourize.data.shards.store import to_type
from colourize.evaluation.examples import examples
from colourize.evaluation.measures import MEASURES, MODEL, Row, standing
from colourize.evaluation.output import as_json, as_markdown, table_of, widened
from colourize.evaluation.yardstick import KNOWING, PRIOR, QUICK, TABLE
from colourize.files import replace_text
from colourize.present import terminal
from colourize.present.figures import save, save_curves, strip_figure
from colourize.private.tensorboard import add_summaries
from colourize.runs.apart import hyperparameters
from colourize.tasks.colourization.data import ColourData
from colourize.tasks.colourization.module import Colourizer
from colourize.training.epoch_table import EpochTable
from colourize.training.loggers import curves
from colourize.training.loggers.tensorboard import tensorboard
from colourize.training.outputs import outputs
from colourize.training.task import Fitted


def report(fitted: Fitted[ColourData, Colourizer], folder: Path, knobs: dict[str, Any]) -> dict[str, float]:
    """Evaluates the network, writes and prints figures and tables; returns the summary of the epochs."""
    module, table, yardstick = fitted.module.cpu().float().eval(), fitted.table, fitted.data.yardstick
    keys = QUICK if value_in(knobs, "measures") == "quick" else MEASURES
    rows = yardstick.measured(short_name(knobs["model"]), module.model, keys=keys)
    validation = fitted.data.pictures.validation
    index = example_index(len(validation))
    strip = {"original": yardstick.originals(index), **examples(module.model, *validation[index])}
    write(folder, knobs, table, strip, rows)
    log(fitted.trainer, knobs, rows)
    show(folder, knobs, module, table, rows, outputs(fitted.trainer, folder))
    return table.summary()


def write(folder: Path, knobs: dict[str, Any], table: EpochTable, strip: dict[str, Tensor], rows: list[Row]) -> None:
    """Writes ``pictures.png``, ``curves.png`` and ``evaluation.json``."""
    kernel = f", kernel {knobs['model']['kernel']}" if "kernel" in knobs["model"] else ""
    title = f"{short_name(knobs['model'])}{kernel}, {option(knobs['data']['_target_'], 'data')}"
    save(strip_figure(strip, title), folder / "pictures.png")
    loss = f"training loss: {option(knobs['loss']['_target_'], 'loss')}" if knobs.get("loss") else ""
    save_curves(folder / "curves.png", table.rows, title, loss)
    replace_text(folder / "evaluation.json", as_json(rows) + "\n")


def log(trainer: pl.Trainer, knobs: dict[str, Any], rows: list[Row]) -> None:
    """Logs the table of floors, network and ceilings as text, and the run's row of TensorBoard's HPARAMS tab.

    The row contains only settings, so TensorBoard uses the last points of the curves as metrics, and shows settings
    that differ first.
    """
    curves.log_text(trainer, "evaluation", as_markdown(rows))
    if logger := tensorboard(trainer):
        _, begun, ended = hparams(hyperparameters(knobs), {})
        add_summaries(logger.experiment, (begun, ended), curves.step(trainer) + 1)


def show(
    folder: Path,
    knobs: dict[str, Any],
    module: Colourizer,
    table: EpochTable,
    rows: list[Row],
    others: list[tuple[str, str]],
) -> None:
    """Prints five metrics of floors, network and ceilings, how the network compares, its files and ``others``."""
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
    where = shlex.join([str(folder), *to_type(knobs["data"])])
    for name, command in others:
        console.print(f"{name:13} {command}", soft_wrap=True)
    console.print(f"{'all measures':13} colourize evaluate {where}")


def _sentences(knobs: dict[str, Any], module: Colourizer, table: EpochTable) -> list[str]:
    """The network's size, time and best epoch; and its training loss, if this is not cross-entropy."""
    size = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    best, last = table.best_row(), table.rows[-1]
    lines = [
        f"{short_name(knobs['model'])}: {size:,} parameters, {last['seconds']:.0f} s; training loss "
        f"{last['train/loss']:.4f}; lowest validation loss {best['val/loss']:.4f}, after epoch {best['epoch'] + 1:.0f}"
    ]
    if knobs.get("loss"):
        name = option(knobs["loss"]["_target_"], "loss")
        lines.append(f"trained on loss={name} (train/loss); val/loss is plain cross-entropy, so that runs compare")
    return lines
