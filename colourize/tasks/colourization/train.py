"""One training run: from plain knobs to a run folder. Needs no Hydra runtime."""

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.accelerators import CUDAAccelerator, MPSAccelerator
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.profilers import AdvancedProfiler, PyTorchProfiler, SimpleProfiler
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from torch import nn

from colourize import files
from colourize.config.instantiate import builder, short_name
from colourize.config.knobs import value_in
from colourize.config.options import is_option
from colourize.data.augment import Augmentation
from colourize.data.module import ColourData
from colourize.data.pictures import example_index
from colourize.errors import InputError
from colourize.evaluation.measures import MEASURES
from colourize.evaluation.yardstick import QUICK, Yardstick
from colourize.model import Model
from colourize.present import terminal
from colourize.runs.checkpoint import newest, read
from colourize.runs.run_folder import Claim, claim, environment, finished, warn_of_other_bits
from colourize.tasks.colourization import losses, results
from colourize.tasks.colourization.module import Colourizer
from colourize.training import allocator
from colourize.training.averaging import MovingAverage
from colourize.training.callbacks import EpochLines, EpochTable, ExamplePictures, ProgressBar, examples
from colourize.training.checkpoint_io import CheckpointFiles
from colourize.training.compilation import compiled, trial_batch
from colourize.training.resumable import check_loops, check_optimizer, check_pictures, check_resumable, check_weights
from colourize.training.resumption import Resumption, purge_step

log = logging.getLogger(__name__)
PROFILERS = {"simple": SimpleProfiler, "advanced": AdvancedProfiler, "pytorch": PyTorchProfiler}
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
    _check_precision(knobs)
    path, contents = newest(folder / "checkpoints") or (None, None)
    if path is None and held.entries["starts"] > 1:
        log.warning("%s: nothing to go on from, the run starts anew", folder)
    forked = path is None and knobs["ckpt_path"] is not None
    if forked:
        path = files.expanded(knobs["ckpt_path"])
        contents = read(path)
    if path is not None and contents is not None:
        check_resumable(path, contents, knobs, f"ckpt_path={path}" if forked else str(folder), forked)
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
    if path is not None and contents is not None:
        check_pictures(path, contents, knobs, fingerprint)
    yardstick = Yardstick(
        data.pictures, data.train, data.validation, data.palette, data.space, knobs["cache_dir"], fingerprint
    )
    module = _module(knobs, data, yardstick.table_loss, fingerprint)
    if path is not None and contents is not None:
        check_weights(path, contents, module)
        check_loops(path, contents, trainer.fit_loop.state_dict(), -(-len(data.train) // knobs["batch_size"]))
        build = module.build_optimizer if module.automatic_optimization else None
        copies = [nn.Parameter(parameter.detach().clone()) for parameter in module.model.network.parameters()]
        check_optimizer(path, contents, None if build is None else build(copies), module.build_scheduler)
    if contents is None and isinstance(module.augment, Augmentation):
        count, height, width = data.train.labels.shape
        module.augment.check_fits(height, width, min(knobs["batch_size"], count))
    if not module.automatic_optimization:
        trainer.gradient_clip_val = None  # there is nothing to clip, and Lightning would refuse
    data.move(trainer.strategy.root_device)
    is_compiled = (
        knobs["compile"]
        and module.automatic_optimization
        and compiled(module.model.network, trial_batch(module, data.train, knobs["batch_size"]))
    )
    now = {**environment(str(trainer.strategy.root_device), torch.get_num_threads()), "compiled": is_compiled}
    warn_of_other_bits(held.before.get("environment", {}), now)
    held.begin(fingerprint=fingerprint, environment=now)
    with allocator.kept(), _user_errors(knobs, trainer, path):
        trainer.fit(module, data, ckpt_path=path, weights_only=True)
    module.model.network._compiled_call_impl = None  # what follows comes in other sizes
    return Fitted(trainer, module, data, yardstick, table)


@contextlib.contextmanager
def _user_errors(knobs: dict[str, Any], trainer: pl.Trainer, path: Path | None) -> Iterator[None]:
    """Raises InputError for what a person's values, a checkpoint or a killed worker make Lightning and torch raise."""
    try:
        yield
    except InputError:
        raise
    except MisconfigurationException as error:  # some arguments are checked against the number of batches
        raise InputError(f"trainer={knobs['trainer']}: {' '.join(str(error).split())}") from error
    except ConnectionError as error:  # to a worker that was killed, before torch has noticed
        raise InputError(f"DataLoader worker (pid unknown) was lost: {error.strerror or error}") from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # what trainer.detect_anomaly and trainer.deterministic are asked to find
        if re.search(r"returned nan values in|does not have a deterministic implementation", str(error)):
            raise InputError(f"trainer={knobs['trainer']}: {' '.join(str(error).split())}") from error
        begun = any(isinstance(callback, Resumption) and callback.begun for callback in trainer.callbacks)  # type: ignore[attr-defined]
        if path is None or begun:
            raise
        line = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path} cannot be restored ({line}); pass another checkpoint") from error


def _report(knobs: dict[str, Any], folder: Path, fitted: Fitted) -> dict[str, float]:
    """Measures the network, writes figures and tables and shows them; returns the summary of the epochs."""
    module, validation, table = fitted.module.cpu().float().eval(), fitted.data.validation, fitted.table
    if not table.validated_rows():
        raise InputError(f"trainer={knobs['trainer']} left no epoch with a validation; leave its limits out")
    keys = QUICK if value_in(knobs, "measures") == "quick" else MEASURES
    rows = fitted.yardstick.measured(short_name(knobs["model"]), module.model, keys=keys)
    metrics = results.summary(table)
    index = example_index(len(validation))
    strip = {"original": fitted.yardstick.originals(index), **examples(module.model, *validation[index])}
    results.write(folder, knobs, table, strip, rows)
    results.log(fitted.trainer, knobs, rows)
    results.show(folder, knobs, module, table, rows)
    return metrics


def _module(knobs: dict[str, Any], data: ColourData, table_loss: float, fingerprint: str) -> Colourizer:
    """The network of the knobs, from the seed; a baseline is fitted to the training pictures."""
    pl.seed_everything(knobs["seed"], workers=True, verbose=False)
    network = builder("model", knobs["model"])()
    if not is_option("model", knobs["model"]["_target_"]):
        _check_own(knobs["model"]["_target_"], network, data)
    if hasattr(network, "fit"):
        network.fit(data.train.grey, data.train.labels)
    optimizer = builder("optimizer", knobs["optimizer"])
    scheduler = builder("scheduler", knobs["scheduler"]) if knobs["scheduler"] else None
    augment = builder("augment", knobs["augment"])() if knobs.get("augment") else None
    criterion = builder("loss", knobs["loss"])() if knobs.get("loss") else None
    if criterion is not None:
        criterion.fit(data.palette, losses.prior(data.train.labels, len(data.palette)))
    model = Model(network, data.palette, data.space)
    module = Colourizer(model, knobs, table_loss, optimizer, scheduler, fingerprint, augment, criterion)
    # Lightning makes it so only after a checkpoint is loaded, which then is rounded to float32
    return module.double() if knobs["precision"] == "64-true" else module


def _check_own(target: str, network: nn.Module, data: ColourData) -> None:
    """Raises InputError where a network of one's own does not give a logit for each colour and pixel."""
    grey, labels = data.train[torch.arange(1)]
    if getattr(network, "hints", False):
        return  # it takes more than the grey, and says so itself
    rule = f"{target} must take grey [N, 1, H, W] and give logits [N, {len(data.palette)}, H, W]"
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            shape = list(network.eval()(grey).shape)
    except Exception as error:  # anything that a person's code may raise
        raise InputError(f"{rule}, got {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    network.train()
    if shape != [1, len(data.palette), *labels.shape[1:]]:
        raise InputError(f"{rule}, got {shape} for N = 1")


def _callbacks(knobs: dict[str, Any], folder: Path, table: EpochTable) -> list[Callback]:
    callbacks: list[Callback] = [table, ExamplePictures()]
    if knobs["trainer"].get("enable_progress_bar") is not False:
        callbacks.append(ProgressBar() if terminal.console().is_terminal else EpochLines(table))
    if knobs.get("ema") is not None:
        callbacks.append(MovingAverage(knobs["ema"]))  # after those that are to see it
    if knobs["patience"] is not None:
        callbacks.append(EarlyStopping("val/loss", patience=knobs["patience"], check_finite=False))
    max_time = knobs["trainer"].get("max_time")
    return [*callbacks, Resumption(folder / "checkpoints", table, knobs["seed"], knobs["save_every"], max_time)]


def _trainer(knobs: dict[str, Any], folder: Path, callbacks: list[Callback], purge: int) -> pl.Trainer:
    defaults = {"devices": 1, "num_sanity_val_steps": 0, "enable_model_summary": False}
    arguments = {name: knobs[name] for name in ("accelerator", "precision", "max_epochs")}
    ours = {"enable_progress_bar": any(isinstance(callback, ProgressBar) for callback in callbacks), "max_time": None}
    if name := knobs["trainer"].get("profiler"):
        ours["profiler"] = PROFILERS[name](folder, "profile")
    try:
        return pl.Trainer(
            **{**defaults, **arguments, **knobs["trainer"], **ours},
            callbacks=callbacks,
            plugins=CheckpointFiles(),
            logger=_logger(folder, purge),
            default_root_dir=folder,
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        asked = " ".join(f"{name}={value}" for name, value in {**arguments, **knobs["trainer"]}.items())
        remedy = "; pass accelerator=cpu or auto" if knobs["accelerator"] == "gpu" else ""
        raise InputError(f"{asked}: {' '.join(str(error).split())}{remedy}") from error


def _logger(folder: Path, purge: int) -> TensorBoardLogger | bool:
    """TensorBoard's logger; none where a folder's name in UTF-8 is not that on disk, which TensorBoard takes it for."""
    place = str(folder.absolute())
    if place.encode(errors="surrogatepass") != os.fsencode(place):
        log.warning("%s is not UTF-8: tensorboard/ is left out; metrics.csv holds the curves", place)
        return False
    return TensorBoardLogger(folder, name=None, version="tensorboard", default_hp_metric=False, purge_step=purge)


def _check_precision(knobs: dict[str, Any]) -> None:
    """Raises InputError where Lightning would compute in another precision than asked, after a warning."""
    accelerator = knobs["accelerator"]
    no_gpu = accelerator == "auto" and not (CUDAAccelerator.is_available() or MPSAccelerator.is_available())
    if knobs["precision"] == "16-mixed" and (accelerator == "cpu" or no_gpu):
        found = f"accelerator={accelerator}" + ", which finds none" * no_gpu
        raise InputError(f"precision=16-mixed requires a GPU, got {found}; pass precision=bf16-mixed")


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
