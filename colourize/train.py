"""One training run: from plain knobs to a run folder. Needs no Hydra runtime."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from colourize import allocator, losses, results
from colourize.averaging import MovingAverage
from colourize.callbacks import EpochTable, ExamplePictures, ProgressBar, examples
from colourize.changes import check_changes
from colourize.checkpoint import CheckpointFiles, newest, read
from colourize.compilation import compiled, trial_batch
from colourize.config import LATER
from colourize.data.module import ColourData
from colourize.data.pictures import example_index
from colourize.errors import InputError
from colourize.evaluation import QUICK, Yardstick
from colourize.measures import MEASURES
from colourize.module import Colourizer
from colourize.resumption import Resumption, purge_step
from colourize.runfolder import Claim, claim, environment, finished, warn_of_other_bits
from colourize.targets import builder, short_name

log = logging.getLogger(__name__)
DATA_KNOBS = "num_colours", "palette", "colour_space", "batch_size", "seed", "cache_dir"


def train(
    knobs: dict[str, Any],
    output_dir: str | Path,
    overrides: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Trains one network and writes the run folder: checkpoints, ``metrics.csv``, figures, TensorBoard events.

    A run that was interrupted in this folder is gone on with; one that was finished is left as it is.

    Args:
        knobs: the resolved configuration, as ``config.plain`` gives it.
        output_dir: the run folder; made where it does not exist.
        overrides: the words that made the configuration on the command line, for ``resume``.
        callbacks: Lightning's, beside our own.

    Returns:
        The last epoch's row of ``metrics.csv``, and ``best/epoch`` and ``best/val/loss``.

    Raises:
        InputError: a knob, a picture source, a palette, a checkpoint or a run folder that cannot be used; NaN.
    """
    folder = Path(output_dir)
    with claim(folder, knobs, overrides) as held:
        if (done := finished(folder, held.before, knobs)) is not None:
            held.end()
            return done
        try:
            fitted = fit(knobs, folder, held, callbacks)
            metrics = _report(knobs, folder, fitted)
        except OSError as error:
            if error.filename is not None:
                raise
            cause = error.strerror or error  # TensorBoard's writer names no file
            raise InputError(f"{folder} cannot be written ({cause}); what was saved before is whole") from error
        pruned = {"pruned": True} if any(getattr(callback, "pruned", False) for callback in callbacks) else {}
        held.end(status="finished", metrics=metrics, **pruned)
        return metrics


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves to report on."""

    trainer: pl.Trainer
    module: Colourizer
    data: ColourData
    yardstick: Yardstick
    table: EpochTable


def fit(knobs: dict[str, Any], folder: Path, held: Claim, callbacks: Sequence[Callback] = ()) -> Fitted:
    """Fits the network of the knobs, from the newest checkpoint in the folder, from ``ckpt_path``, or from the seed."""
    _quiet()
    path = newest(folder / "checkpoints")
    if path is None and held.entries["starts"] > 1:
        log.warning("%s: nothing to go on from, the run starts anew", folder)
    forked = path is None and knobs["ckpt_path"] is not None
    path = Path(knobs["ckpt_path"]).expanduser() if forked else path
    contents = read(path) if path is not None else None
    if path is not None and contents is not None:
        _check_resumable(path, contents, knobs, f"ckpt_path={path}" if forked else str(folder), forked)
    table = EpochTable(folder / "metrics.csv", forked)
    trainer = _trainer(
        knobs, folder, [*callbacks, *_callbacks(knobs, folder, table)], purge_step(None if forked else contents)
    )
    data = ColourData(
        builder("data", knobs["data"]),
        **{name: knobs[name] for name in DATA_KNOBS},
    )
    data.setup()
    assert data.pictures is not None
    fingerprint = data.fingerprint()
    if contents is not None and contents["fingerprint"] != fingerprint:
        raise InputError(
            f"{path} was trained on other pictures or another palette than there are now; put those back, or start a "
            "run of its own"
        )
    now = environment(str(trainer.strategy.root_device), torch.get_num_threads())
    warn_of_other_bits(held.before.get("environment", {}), now)
    yardstick = Yardstick(data.pictures, data.train, data.validation, data.palette, data.space, knobs["cache_dir"])
    module = _module(knobs, data, yardstick.table_loss, fingerprint)
    if not module.automatic_optimization:
        trainer.gradient_clip_val = None  # there is nothing to clip, and Lightning would refuse
    data.move(trainer.strategy.root_device)
    if knobs["compile"] and module.automatic_optimization:
        compiled(module.network, trial_batch(module, data.train, knobs["batch_size"]))
    held.begin(fingerprint=fingerprint, environment=now)
    with allocator.kept():
        try:
            trainer.fit(module, data, ckpt_path=path, weights_only=True)
        except MisconfigurationException as error:  # some arguments are checked against the number of batches
            raise InputError(f"trainer={knobs['trainer']}: {' '.join(str(error).split())}") from error
        except ConnectionError as error:  # to a worker that was killed, before torch has noticed
            raise InputError(f"DataLoader worker (pid unknown) was lost: {error.strerror or error}") from error
    module.network._compiled_call_impl = None  # what follows comes in other sizes
    return Fitted(trainer, module, data, yardstick, table)


def _report(knobs: dict[str, Any], folder: Path, fitted: Fitted) -> dict[str, float]:
    """Measures the network, writes figures and tables and shows them; returns the summary of the epochs."""
    module, validation, table = fitted.module.cpu().float().eval(), fitted.data.validation, fitted.table
    if not table.validated_rows():
        raise InputError(f"trainer={knobs['trainer']} left no epoch with a validation; leave its limits out")
    keys = QUICK if knobs.get("measures", LATER["measures"]) == "quick" else MEASURES
    rows = fitted.yardstick.measured(short_name(knobs["model"]), module, keys=keys)
    metrics = results.summary(table)
    index = example_index(len(validation))
    strip = {"original": fitted.yardstick.originals(index), **examples(module, *validation[index])}
    results.write(folder, knobs, table, strip, rows)
    results.log(fitted.trainer, knobs, rows)
    results.show(folder, knobs, module, table, rows)
    return metrics


def _check_resumable(path: Path, contents: dict[str, Any], knobs: dict[str, Any], where: str, forked: bool) -> None:
    """Raises InputError where training cannot go on from a checkpoint or has nothing to do; else logs from where."""
    if missing := {"callbacks", "fingerprint", "loops", "plateau", "ColourData"} - contents.keys():
        raise InputError(f"{path} can be evaluated, but not gone on from: it lacks {', '.join(sorted(missing))}")
    check_changes(contents["config"], knobs, f"{where} was trained")
    states, place, most = contents["callbacks"], contents["ColourData"], knobs["max_epochs"]
    done = len(states["EpochTable"]["rows"])
    reached = done + (place["skip"] > 0)
    stopped, longer = states["Resumption"]["stopped"], most > contents["config"]["max_epochs"]
    if stopped and (forked or longer):
        raise InputError(
            f"{where} stopped early after {done} epochs (patience={knobs['patience']}) and would stop again; start a "
            "run of its own with more patience"
        )
    if reached > most or (forked and done == most):
        raise InputError(
            f"max_epochs={most} leaves nothing to train: {path} is {place['skip']} batches into epoch {reached}; pass "
            f"max_epochs={reached} or more"
            if reached > done
            else f"max_epochs={most} leaves nothing to train: {path} has {done} epochs behind it; pass "
            f"max_epochs={done + 1} or more"
        )
    log.info("goes on from %s: %d epochs and %d batches are done", path, done, place["skip"])


def _module(knobs: dict[str, Any], data: ColourData, table_loss: float, fingerprint: str) -> Colourizer:
    """The network of the knobs, from the seed; a baseline is fitted to the training pictures."""
    pl.seed_everything(knobs["seed"], workers=True, verbose=False)
    network = builder("model", knobs["model"])()
    if hasattr(network, "fit"):
        network.fit(data.train.grey, data.train.labels)
    optimizer = builder("optimizer", knobs["optimizer"])
    scheduler = builder("scheduler", knobs["scheduler"]) if knobs["scheduler"] else None
    augment = builder("augment", knobs["augment"])() if knobs.get("augment") else None
    criterion = builder("loss", knobs["loss"])() if knobs.get("loss") else None
    if criterion is not None:
        criterion.fit(data.palette, losses.prior(data.train.labels, len(data.palette)))
    module = Colourizer(network, data.palette, knobs, table_loss, optimizer, scheduler, fingerprint, augment, criterion)
    # Lightning makes it so only after a checkpoint is loaded, which then is rounded to float32
    return module.double() if knobs["precision"] == "64-true" else module


def _callbacks(knobs: dict[str, Any], folder: Path, table: EpochTable) -> list[Callback]:
    callbacks: list[Callback] = [table, ExamplePictures()]
    if knobs["trainer"].get("enable_progress_bar", True):
        callbacks.append(ProgressBar())
    if knobs.get("ema") is not None:
        callbacks.append(MovingAverage(knobs["ema"]))  # after those that are to see it
    if knobs["patience"] is not None:
        callbacks.append(EarlyStopping("val/loss", patience=knobs["patience"], check_finite=False))
    return [*callbacks, Resumption(folder / "checkpoints", table, knobs["seed"], knobs["save_every"])]


def _trainer(knobs: dict[str, Any], folder: Path, callbacks: list[Callback], purge: int) -> pl.Trainer:
    logger = TensorBoardLogger(folder, name=None, version="tensorboard", default_hp_metric=False, purge_step=purge)
    defaults = {"devices": 1, "num_sanity_val_steps": 0, "enable_model_summary": False}
    arguments = {name: knobs[name] for name in ("accelerator", "precision", "max_epochs")}
    try:
        return pl.Trainer(
            **{**defaults, **arguments, **knobs["trainer"]},
            callbacks=callbacks,
            plugins=CheckpointFiles(),
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
        ".*your dataloader is not resumable.*",  # it is: ColourData keeps the place
    ):
        warnings.filterwarnings("ignore", message=message)
