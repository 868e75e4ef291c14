"""One training run: from plain knobs to a run folder. Needs no Hydra runtime."""

import logging
import time
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from rich.console import Console
from rich.table import Table

from colourize.callbacks import EpochTable, ExamplePictures, ProgressBar
from colourize.checkpoint import check_palette, check_resumable
from colourize.config import builder, short_name
from colourize.data.module import ColourData
from colourize.errors import InputError
from colourize.evaluation import MODEL, Row, Yardstick, standing
from colourize.figures import save_curves, strip_figure
from colourize.module import Colourizer
from colourize.report import as_json, print_tables


def train(knobs: dict[str, Any], output_dir: str | Path) -> dict[str, float]:
    """Trains one network and writes the run folder: checkpoints, ``metrics.csv``, figures, TensorBoard events.

    Args:
        knobs: the resolved configuration, as ``config.plain`` gives it.
        output_dir: the run folder; made where it does not exist.

    Returns:
        The last epoch's row of ``metrics.csv``, and ``best/epoch`` and ``best/val/loss``.

    Raises:
        InputError: a knob, a picture source, a palette or a checkpoint that cannot be used.
    """
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    _quiet()
    if knobs["ckpt_path"]:
        check_resumable(knobs["ckpt_path"], knobs)
    table, examples = EpochTable(folder / "metrics.csv"), ExamplePictures()
    checkpoints = _checkpoints(folder / "checkpoints")
    trainer = _trainer(knobs, folder, [table, examples, *checkpoints])
    data = ColourData(
        builder("data", knobs["data"]),
        **{name: knobs[name] for name in ("num_colours", "palette", "batch_size", "seed", "cache_dir")},
    )
    data.setup()
    assert data.pictures is not None
    if knobs["ckpt_path"]:
        check_palette(knobs["ckpt_path"], data.palette)
    yardstick = Yardstick(data.pictures, data.train, data.validation, data.palette)
    pl.seed_everything(knobs["seed"], workers=True, verbose=False)
    network = builder("model", knobs["model"])()
    if hasattr(network, "fit"):
        network.fit(data.train.grey, data.train.labels)
    scheduler = builder("scheduler", knobs["scheduler"]) if knobs["scheduler"] else None
    optimizer = builder("optimizer", knobs["optimizer"])
    module = Colourizer(network, data.palette, knobs, yardstick.table_loss, optimizer, scheduler)
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=knobs["ckpt_path"] and Path(knobs["ckpt_path"]).expanduser(), weights_only=True)
    seconds = time.perf_counter() - start
    trained = table.rows[table.num_before :]
    if not any("val/loss" in row for row in trained):
        raise InputError(f"trainer={knobs['trainer']} left no epoch with a validation; leave its limits out")
    title = f"{short_name(knobs['model'])}, kernel {knobs['model'].get('kernel', '-')}, {len(data.train)} pictures"
    strip_figure(examples.rows, title).savefig(folder / "pictures.png")
    save_curves(folder / "curves.png", table.rows, title)
    best = min((row for row in trained if "val/loss" in row), key=lambda row: row["val/loss"])
    metrics = {**best, **table.rows[-1], "best/epoch": best["epoch"], "best/val/loss": best["val/loss"]}
    if not module.automatic_optimization:  # no step was made, so no checkpoint was due
        for name in ("best", "last"):
            trainer.save_checkpoint(folder / f"checkpoints/{name}.ckpt")
    rows = yardstick.measured(short_name(knobs["model"]), module.cpu().float().eval())
    (folder / "evaluation.json").write_text(as_json(rows) + "\n")
    _log_result(trainer, knobs, metrics, rows)
    _print_result(knobs, module, table.rows[-1], best, seconds, folder, rows)
    return metrics


def _quiet() -> None:
    """Leaves out what Lightning tells every user of every run."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)
    # pictures lie in memory and a batch is one indexing operation: workers would only copy
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*number of training batches .* is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated.*")  # Lightning's own use
    # a baseline has nothing to optimize
    warnings.filterwarnings("ignore", message=".*this fit will run with no optimizer.*")
    # a run that goes on from another folder's checkpoint keeps a best of its own
    warnings.filterwarnings("ignore", message="The dirpath has changed from.*")
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty.*")


def _checkpoints(folder: Path) -> list[ModelCheckpoint]:
    common: dict[str, Any] = {"dirpath": folder, "auto_insert_metric_name": False, "enable_version_counter": False}
    best = ModelCheckpoint(filename="best", monitor="val/loss", save_top_k=1, **common)
    last = ModelCheckpoint(filename="last", save_top_k=1, save_on_train_epoch_end=True, **common)
    return [best, last]


def _trainer(knobs: dict[str, Any], folder: Path, callbacks: list[Any]) -> pl.Trainer:
    logger = TensorBoardLogger(folder, name=None, version="tensorboard", default_hp_metric=False)
    defaults = {"devices": 1, "num_sanity_val_steps": 0, "enable_model_summary": False, "log_every_n_steps": 10}
    arguments = {name: knobs[name] for name in ("accelerator", "precision", "max_epochs")}
    try:
        given = {**defaults, **arguments, **knobs["trainer"]}
        return pl.Trainer(
            **given,
            callbacks=callbacks + ([ProgressBar()] if given.get("enable_progress_bar", True) else []),
            logger=logger,
            default_root_dir=folder,
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        asked = " ".join(f"{name}={value}" for name, value in {**arguments, **knobs["trainer"]}.items())
        remedy = "; pass accelerator=cpu or auto" if knobs["accelerator"] == "gpu" else ""
        raise InputError(f"{asked}: {' '.join(str(error).split())}{remedy}") from error


def _log_result(trainer: pl.Trainer, knobs: dict[str, Any], metrics: dict[str, float], rows: list[Row]) -> None:
    """The last network's measures, and one row of TensorBoard's HPARAMS tab: at the end, given at the start it would
    add a false first point."""
    flat = {name: value for name, value in knobs.items() if isinstance(value, str | int | float | bool)}
    flat |= {
        f"{group}.{name}": str(value) if isinstance(value, list) else value
        for group in ("model", "data", "optimizer", "scheduler", "trainer")
        for name, value in (knobs[group] or {}).items()
        if value is not None
    }
    flat = {name: str(value) if isinstance(value, list | dict) else value for name, value in flat.items()}
    (model,) = (row for row in rows if row.kind == MODEL)
    final = {f"final/{key}": interval.estimate for key, interval in model.intervals.items()}
    shown = (
        "val/loss",
        "val/accuracy",
        "val/skill",
        "train/loss",
        "train/accuracy",
        "best/val/loss",
        "images_per_second",
    )
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.log_metrics(final, trainer.global_step)
            logger.log_hyperparams(flat, {f"hp/{name}": metrics[name] for name in shown})
            logger.finalize("success")


def _print_result(
    knobs: dict[str, Any],
    module: Colourizer,
    last: dict[str, float],
    best: dict[str, float],
    seconds: float,
    folder: Path,
    rows: list[Row],
) -> None:
    size = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    table = Table(title=f"{short_name(knobs['model'])}: {size:,} parameters, {seconds:.0f} s", title_justify="left")
    table.add_column("epoch")
    for column in ("train/loss", "val/loss", "train/accuracy", "val/accuracy", "val/skill"):
        table.add_column(column, justify="right")
    for name, row in (("last", last), ("best", best)):
        losses = [f"{row[f'{split}/loss']:.4f}" for split in ("train", "val")]
        shares = [f"{row[f'{split}/accuracy']:.2%}" for split in ("train", "val")]
        table.add_row(f"{int(row['epoch']) + 1} ({name})", *losses, *shares, f"{row['val/skill']:.3f}")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    print_tables(rows, f"after epoch {int(last['epoch']) + 1}", console)
    console.print(table)
    by_name = {row.name: row for row in rows}
    (model,) = (row for row in rows if row.kind == MODEL)
    console.print(
        standing(model, by_name["look-up table"], by_name["class prior"], by_name.get("objects known")), style="bold"
    )
    for name in ("pictures.png", "curves.png", "metrics.csv", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        console.print(f"{name.partition('/')[2] or name:13} {folder / name}")
    console.print(f"{'dashboard':13} tensorboard --logdir {folder}")
