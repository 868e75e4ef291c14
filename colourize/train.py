"""One training run: from plain knobs to a run folder. Needs no Hydra runtime."""

import logging
import time
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from colourize import results
from colourize.callbacks import BaselineCheckpoints, EpochTable, ExamplePictures, ProgressBar
from colourize.checkpoint import check_palette, check_resumable
from colourize.data.module import ColourData
from colourize.errors import InputError
from colourize.evaluation import Yardstick
from colourize.module import Colourizer
from colourize.targets import builder, short_name


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
    last = Path(knobs["ckpt_path"]).expanduser() if knobs["ckpt_path"] else None
    if last is not None:
        check_resumable(last, knobs)
    table, examples = EpochTable(folder / "metrics.csv"), ExamplePictures()
    trainer = _trainer(knobs, folder, [table, examples, *_checkpoints(folder / "checkpoints")])
    data = ColourData(
        builder("data", knobs["data"]),
        **{name: knobs[name] for name in ("num_colours", "palette", "batch_size", "seed", "cache_dir")},
    )
    data.setup()
    assert data.pictures is not None
    if last is not None:
        check_palette(last, data.palette)
    yardstick = Yardstick(data.pictures, data.train, data.validation, data.palette)
    module = _module(knobs, data, yardstick.table_loss)
    if not module.automatic_optimization:
        trainer.gradient_clip_val = None  # there is nothing to clip, and Lightning would refuse
    start = time.perf_counter()
    trainer.fit(module, data, ckpt_path=last, weights_only=True)
    seconds = time.perf_counter() - start
    if not table.validated_rows():
        raise InputError(f"trainer={knobs['trainer']} left no epoch with a validation; leave its limits out")
    rows = yardstick.measured(short_name(knobs["model"]), module.cpu().float().eval())
    metrics = results.summary(table)
    results.write(folder, knobs, table, examples, rows)
    results.log(trainer, knobs, metrics, rows)
    results.show(folder, knobs, module, table, rows, seconds)
    return metrics


def _module(knobs: dict[str, Any], data: ColourData, table_loss: float) -> Colourizer:
    """The network of the knobs, from the seed; a baseline is fitted to the training pictures."""
    pl.seed_everything(knobs["seed"], workers=True, verbose=False)
    network = builder("model", knobs["model"])()
    if hasattr(network, "fit"):
        network.fit(data.train.grey, data.train.labels)
    optimizer = builder("optimizer", knobs["optimizer"])
    scheduler = builder("scheduler", knobs["scheduler"]) if knobs["scheduler"] else None
    return Colourizer(network, data.palette, knobs, table_loss, optimizer, scheduler)


def _checkpoints(folder: Path) -> list[Callback]:
    common: dict[str, Any] = {"dirpath": folder, "auto_insert_metric_name": False, "enable_version_counter": False}
    best = ModelCheckpoint(filename="best", monitor="val/loss", save_top_k=1, **common)
    last = ModelCheckpoint(filename="last", save_top_k=1, save_on_train_epoch_end=True, **common)
    return [BaselineCheckpoints(folder), best, last]


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


def _quiet() -> None:
    """Leaves out what Lightning tells every user of every run."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # pictures lie in memory: workers would only copy
        ".*number of training batches .* is smaller than the logging interval.*",  # what is logged is logged each epoch
        ".*LeafSpec.* is deprecated.*",  # Lightning's own use
        ".*this fit will run with no optimizer.*",  # a baseline has nothing to optimize
        "The dirpath has changed from.*",  # a run that goes on from another folder keeps a best of its own
        "Checkpoint directory .* exists and is not empty.*",
    ):
        warnings.filterwarnings("ignore", message=message)
