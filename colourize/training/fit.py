"""Fits the module of a run from its knobs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from colourize.config import automatic
from colourize.config.knobs import value_in
from colourize.errors import InputError
from colourize.kernels import allocator, rows
from colourize.runs import manifest
from colourize.runs.environment import environment, warn_of_other_bits
from colourize.runs.run_folder import Claim, Guest
from colourize.training import added_callbacks, fused, precision, range_test, without_gpu
from colourize.training.compilation import compiled
from colourize.training.distributed import batch_norm, collectives
from colourize.training.distributed.place import Place
from colourize.training.epoch_table import EpochTable
from colourize.training.failures import explained
from colourize.training.loggers import chosen, curves
from colourize.training.resumable import check_data, check_resumable, check_states
from colourize.training.start import Start, found
from colourize.training.task import Data, Fitted, Knobs, Module, Task
from colourize.training.trainer import (
    callbacks_of,
    check_limits,
    log_each_epoch,
    quiet,
    trainer_of,
)

log = logging.getLogger(__name__)


def fit(
    task: Task[Data, Module],
    knobs: Knobs,
    folder: Path,
    held: Claim | Guest,
    callbacks: Sequence[Callback] = (),
    place: Place | None = None,
) -> Fitted[Data, Module]:
    """Fits the module of a task, starting at the newest checkpoint in the folder, at ``ckpt_path``, or from the seed.

    With several ranks (``place``), all call this; only rank 0 writes.

    Raises:
        InputError: a knob, the data or a checkpoint cannot be used; a loss is NaN.
    """
    quiet()
    start = found(folder, knobs["ckpt_path"], held.entries["starts"] > 1)
    if start is not None:
        knobs = automatic.known(knobs, start.contents["config"])
        check_resumable(start, task, knobs, f"ckpt_path={start.path}" if start.forked else str(folder))
    knobs = {**knobs, "precision": collectives.shared(precision.of(knobs))}
    own = start if start is not None and not start.forked else None
    table = EpochTable(folder / manifest.EPOCHS, task.metrics, start is not None and start.forked)
    own_callbacks = added_callbacks.added(knobs)
    everyone = [*callbacks, *callbacks_of(task, knobs, folder, table, own_callbacks.values())]
    purge = curves.purge_step(own.contents if own else None)
    loggers = chosen.loggers(knobs, folder, purge, held.key) if collectives.rank() == 0 else []
    trainer = trainer_of(knobs, folder, everyone, loggers, place)
    with curves.closed(trainer, only_on_error=True):
        data = collectives.after_the_first(lambda: _data(task, knobs, start))
        if len(data.validation) < collectives.size():
            raise InputError(f"there must be >= {collectives.size()} validation examples, one for each rank")
        check_limits(trainer, data.num_batches, data.num_validation_batches, knobs.get("debug") == "limit")
        log_each_epoch(trainer, data.num_batches)
        if knobs["lr"] == automatic.AUTO and start is None:
            asked = knobs
            if collectives.rank() == 0:
                knobs = range_test.found(lambda given: _new(task, given, data), asked, data, trainer, folder)
            knobs = collectives.shared(knobs)
            added_callbacks.renew(trainer, own_callbacks, asked, knobs)
        held.settle(knobs)
        module = _prepared(task, knobs, data, start, trainer)
        _begin(task, knobs, held, trainer, module, data)
        _run(knobs, trainer, module, data, start)
    return Fitted(trainer, module, data, table)


def _data(task: Task[Data, Module], knobs: Knobs, start: Start | None) -> Data:
    if start is None or start.forked or task.resumed_data is None:  # a fork has the data that it asks for
        return task.data(knobs)
    return task.resumed_data(knobs, start)


def _prepared(task: Task[Data, Module], knobs: Knobs, data: Data, start: Start | None, trainer: pl.Trainer) -> Module:
    """The module, after checks against the checkpoint, which is not yet loaded."""
    fingerprint = task.fingerprint(data)
    if start is None:
        module = _new(task, knobs, data)
    else:
        check_data(start, task, knobs, fingerprint)
        module = seeded(task, knobs, data)
        check_states(start, task, module, data.num_batches, trainer.fit_loop.state_dict())
    module.fingerprint = fingerprint
    if value_in(knobs, "sync_batchnorm") and collectives.size() > 1:
        batch_norm.synced(module)
    return module


def _new(task: Task[Data, Module], knobs: Knobs, data: Data) -> Module:
    """The module of a new run, with its initial weights."""
    module = seeded(task, knobs, data)
    task.check(knobs, data, module)
    if module.automatic_optimization:
        module.freezing.check()
    task.begin(knobs, module)
    return module


def seeded(task: Task[Data, Module], knobs: Knobs, data: Data) -> Module:
    """The module of a task, initialized from the seed, in the precision of its weights."""
    pl.seed_everything(knobs["seed"], workers=True, verbose=False)
    module = task.module(knobs, data)
    # Lightning converts only after it has loaded a checkpoint, and so would first round the checkpoint to float32
    return module.double() if knobs["precision"] == "64-true" else module


def _begin(
    task: Task[Data, Module], knobs: Knobs, held: Claim | Guest, trainer: pl.Trainer, module: Module, data: Data
) -> None:
    """Moves the data, compiles the network, and writes the environment into ``run.json``."""
    device = trainer.strategy.root_device
    if not module.automatic_optimization:
        trainer.gradient_clip_val = None  # nothing to clip, and Lightning would refuse the value
    data.move(device)
    if knobs["compile"] and module.automatic_optimization and task.compilable is not None:
        module.compiled = compiled(*task.compilable(module, data))
    elif knobs["compile"]:
        log.warning("compile=true: no effect, because this network is not trained by gradients")
    module.fused = fuses(knobs, device, module)
    known = environment(str(device), torch.get_num_threads())
    now = {**known, "compiled": module.compiled is not None, "one_pass": module.fused}
    warn_of_other_bits(held.before.get("environment", {}), now)
    held.begin(fingerprint=module.fingerprint, environment=now)


def _run(knobs: Knobs, trainer: pl.Trainer, module: Any, data: Any, start: Start | None) -> None:
    path = None if start is None else start.path
    if start is not None:
        trainer.strategy.checkpoint_io.contents = start.contents  # type: ignore[attr-defined]
    with (
        fused.norms(module.tuned(), module.fused),
        allocator.kept(),
        without_gpu.known(),
        explained(knobs, trainer, start),
    ):
        trainer.fit(module, data, ckpt_path=path, weights_only=True)
    added_callbacks.log_times(trainer)
    module.compiled = None  # after training, inputs have other sizes


def fuses(knobs: Knobs, device: torch.device, module: Any) -> bool:
    """Whether the kernels of ``one_pass=true`` are used."""
    plain = device.type == "cpu" and knobs["precision"] != "64-true" and module.compiled is None
    return bool(value_in(knobs, "one_pass")) and plain and rows.library() is not None
