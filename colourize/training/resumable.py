"""Checks whether training can be resumed from a checkpoint, before anything is loaded from it."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from colourize.config import options, stored
from colourize.config.compare import check_changes, moved
from colourize.config.knobs import NODES
from colourize.errors import InputError, shown
from colourize.training.added_callbacks import is_averaging
from colourize.training.restored_loops import check_loops, progress
from colourize.training.restored_optimizer import check_optimizer
from colourize.training.start import Start
from colourize.training.task import Knobs, Task

log = logging.getLogger(__name__)
STATES = "callbacks", "fingerprint", "loops", "place", "plateau"


def check_resumable(start: Start, task: Task[Any, Any], knobs: Knobs, where: str) -> None:
    """Raises InputError if training cannot resume from a checkpoint or has nothing left to do; logs where it starts.

    Args:
        start: the checkpoint.
        task: the task.
        knobs: the configuration of the resumed run. The checkpoint may name the user's own code if the knobs name it.
        where: the name of the run in messages.
    """
    path, contents = start.path, start.contents
    if missing := set(STATES) - contents.keys():
        raise InputError(f"{path} can be evaluated, but not resumed: it lacks {', '.join(sorted(missing))}")
    stored.checked(contents["config"], path, _own_packages(knobs))
    check_changes(contents["config"], knobs, f"{where} was trained")
    if is_averaging(contents["callbacks"]):
        raise InputError(
            f"{where} was interrupted while callbacks=swa averaged, which cannot be resumed; start a new run "
            "(ema=0.998 averages and can be resumed)"
        )
    done, skip, stopped = progress(path, contents, len(task.metrics.training))
    if stopped and (start.forked or knobs["max_epochs"] > contents["config"]["max_epochs"]):
        raise InputError(
            f"{where} stopped early after {done} epochs (patience={knobs['patience']}) and would stop again; start a "
            "new run with more patience"
        )
    _check_length(start, knobs["max_epochs"], done, skip)
    log.info("resumes from %s: %d epochs and %d batches are done", path, done, skip)


def _check_length(start: Start, most: int, done: int, skip: int) -> None:
    """Raises InputError if nothing is left to train, except in the run's own folder: it may still have to report."""
    reached = done + (skip > 0)
    if reached > most or (start.forked and done == most):
        raise InputError(
            f"max_epochs={most} leaves nothing to train: {start.path} is {skip} batches into epoch {reached}; pass "
            f"max_epochs={reached} or more"
            if reached > done
            else f"max_epochs={most} leaves nothing to train: {start.path} has {done} finished epochs; pass "
            f"max_epochs={done + 1} or more"
        )


def _own_packages(knobs: Knobs) -> set[str]:
    """Packages of the user's own networks and sources that the command itself names."""
    targets = [(group, str(knobs[group]["_target_"])) for group in NODES if knobs.get(group)]
    return {target.partition(".")[0] for group, target in targets if not options.is_option(group, target)}


def check_data(start: Start, task: Task[Any, Any], knobs: Knobs, fingerprint: str) -> None:
    """Raises InputError if the data differ from the checkpoint's data; logs if the same data have moved."""
    if start.contents["fingerprint"] != fingerprint:
        raise InputError(f"{start.path} was trained on {task.other_data}")
    if text := moved(start.contents["config"], knobs):
        log.warning("%s: %s", start.path, text)


def check_states(start: Start, task: Task[Any, Any], module: Any, num_batches: int, fresh_loop: dict[str, Any]) -> None:
    """Raises InputError if a state of the checkpoint does not fit the module, its optimizer or its epochs.

    Args:
        start: the checkpoint.
        task: the task.
        module: the ``TrainingModule`` to train.
        num_batches: number of batches per epoch.
        fresh_loop: the state of a fit loop that has not begun.
    """
    path, contents = start.path, start.contents
    check_weights(path, contents, module, task.constants)
    check_loops(path, contents, fresh_loop, num_batches)
    build = module.build_optimizer if module.automatic_optimization else None
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in module.parameters()]
    check_optimizer(path, contents, None if build is None else build(module.grouped(copies)), module.build_scheduler)


def check_weights(path: Path, contents: dict[str, Any], module: nn.Module, constants: tuple[str, ...]) -> None:
    """Raises InputError if a checkpoint's tensors have other names, shapes or kinds of numbers than the module's.

    With a moving average it checks both the average and the weights that are trained.

    Args:
        path: the checkpoint.
        contents: its contents.
        module: the module of the configuration.
        constants: names of buffers that must also have the same values.
    """
    wanted = {name: _kind(tensor) for name, tensor in module.state_dict().items()}
    for state in (contents["state_dict"], contents.get("current_model_state", contents["state_dict"])):
        found = {name: _kind(value) for name, value in state.items() if isinstance(value, Tensor)}
        for name in wanted | found | state:
            if wanted.get(name) != found.get(name):
                raise InputError(
                    f"{path}: {shown(str(name))} does not fit the network of its configuration; pass another file"
                )
        for name in constants:
            if not torch.equal(state[name], module.get_buffer(name)):
                raise InputError(f"{path}: its {name.rpartition('.')[2]} is not that of its data; pass another file")


def _kind(tensor: Tensor) -> tuple[torch.Size, bool]:
    return tensor.shape, tensor.is_floating_point()
