"""Whether training can continue from what a checkpoint holds. Checked before anything is loaded from it."""

import copy
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from colourize.config import options, stored
from colourize.config.compare import check_changes, moved
from colourize.config.knobs import NODES, value_in
from colourize.errors import InputError, shown

log = logging.getLogger(__name__)
STATES = "callbacks", "fingerprint", "loops", "plateau", "ColourData"
WAITING = "EarlyStopping"  # with what it waits for: the name of its state
MOVING = (
    "last_epoch", "_step_count", "_last_lr", "_is_initial", "_get_lr_called_within_step", "best", "num_bad_epochs",
    "cooldown_counter", "total_iters",
)  # fmt: skip
"""What a schedule changes as it goes, and the length of a warm-up, which is in no other way in its state."""


def check_resumable(path: Path, contents: dict[str, Any], knobs: dict[str, Any], where: str, forked: bool) -> None:
    """Raises InputError where training cannot continue from a checkpoint or has nothing to do; else logs from where.

    Args:
        path: of the checkpoint.
        contents: what it holds.
        knobs: the configuration of the run that continues. Code of one's own that it names, the file may name, too.
        where: how a message names the run.
        forked: whether the run continues in a new folder.
    """
    if missing := set(STATES) - contents.keys():
        raise InputError(f"{path} can be evaluated, but not resumed: it lacks {', '.join(sorted(missing))}")
    stored.checked(contents["config"], path, _own_packages(knobs))
    check_changes(contents["config"], knobs, f"{where} was trained")
    done, skip, stopped = _place(path, contents)
    most, reached = knobs["max_epochs"], done + (skip > 0)
    if stopped and (forked or most > contents["config"]["max_epochs"]):
        raise InputError(
            f"{where} stopped early after {done} epochs (patience={knobs['patience']}) and would stop again; start a "
            "run of its own with more patience"
        )
    if reached > most or (forked and done == most):
        raise InputError(
            f"max_epochs={most} leaves nothing to train: {path} is {skip} batches into epoch {reached}; pass "
            f"max_epochs={reached} or more"
            if reached > done
            else f"max_epochs={most} leaves nothing to train: {path} has {done} epochs behind it; pass "
            f"max_epochs={done + 1} or more"
        )
    log.info("goes on from %s: %d epochs and %d batches are done", path, done, skip)


def _place(path: Path, contents: dict[str, Any]) -> tuple[int, int, bool]:
    """Epochs and batches that are done, and whether training had stopped early.

    Raises:
        InputError: one of the states by which a run finds its place is not what a run writes.
    """
    try:
        callbacks, loop = contents["callbacks"], contents["loops"]["fit_loop"]
        table, own, place = callbacks["EpochTable"], callbacks["Resumption"], contents["ColourData"]
        right = {
            "EpochTable": _is_table(table),
            "ColourData": place.keys() == {"epoch", "skip"} and all(map(_is_count, place.values())),
            "Resumption": isinstance(own["stopped"], bool) and _is_number(own["best"]),
            "EarlyStopping": all(_is_waiting(value) for name, value in callbacks.items() if name.startswith(WAITING)),
            "MovingAverage": _is_averaged(contents),
            "loops": place == _place_of(loop) and place["epoch"] == len(table["rows"]),
            "global_step": _is_count(contents["global_step"]),
            "epoch": _is_count(contents["epoch"]),
            "pytorch-lightning_version": isinstance(contents["pytorch-lightning_version"], str),
            "state_dict": isinstance(contents["state_dict"], dict),
        }
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not say how far training was ({shown(str(error))}); pass another file"
        ) from error
    if wrong := [name for name, holds in right.items() if not holds]:
        raise InputError(f"{path}: {', '.join(wrong)} is not what a run writes; pass another file")
    return len(table["rows"]), place["skip"], own["stopped"]


def _is_table(table: dict[str, Any]) -> bool:
    """Whether a table's rows, its epoch under way and its seconds are what ``EpochTable`` keeps."""
    rows, begun = table["rows"], table["begun"]
    return (
        all(row.keys() >= {"epoch", "step"} and all(map(_is_number, row.values())) for row in rows)
        and (not begun or _is_under_way(begun))
        and isinstance(begun, dict)
        and _is_number(table["seconds"])
        and _is_count(table["num_before"])
        and table["num_before"] <= len(rows)
    )


def _is_under_way(begun: dict[str, Any]) -> bool:
    sums = begun["sums"]
    return (
        isinstance(sums, torch.Tensor)
        and sums.shape == (2,)
        and sums.is_floating_point()
        and _is_number(begun["lr"])
        and _is_count(begun["num_pictures"])
        and all(map(_is_number, begun["val"].values()))
    )


def _is_waiting(state: dict[str, Any]) -> bool:
    """Whether a state is one of ``EarlyStopping``."""
    best = state["best_score"]
    return (
        all(_is_count(state[name]) for name in ("wait_count", "stopped_epoch", "patience"))
        and (_is_number(best) or (isinstance(best, torch.Tensor) and best.ndim == 0))
        and state.get("stopping_reason", 0) in [reason.value for reason in EarlyStoppingReason]
    )


def _is_averaged(contents: dict[str, Any]) -> bool:
    """Whether all parts of a moving average are there, or none."""
    parts = "MovingAverage" in contents["callbacks"], "current_model_state" in contents, "averaging_state" in contents
    averages = value_in(contents["config"], "ema") is not None
    return parts == (averages,) * 3 and (
        not averages
        or (
            _is_count(contents["callbacks"]["MovingAverage"]["latest_update_step"])
            and isinstance(contents["current_model_state"], dict)
            and isinstance(contents["averaging_state"], dict)
        )
    )


def _place_of(loop: dict[str, Any]) -> dict[str, int]:
    """The place in the pictures at which Lightning's loops are; see ``ColourData.state_dict``."""
    epochs, batches = (loop[name]["current"] for name in ("epoch_progress", "epoch_loop.batch_progress"))
    under_way = epochs["started"] > epochs["processed"]
    return {"epoch": epochs["processed"], "skip": batches["processed"] if under_way else 0}


def check_loops(path: Path, contents: dict[str, Any], fresh: dict[str, Any], num_batches: int) -> None:
    """Raises InputError where a checkpoint's loops do not count, in the places where Lightning's do.

    Args:
        path: of the checkpoint.
        contents: what it holds.
        fresh: the state of a loop that has not begun.
        num_batches: of an epoch.
    """
    loop = contents["loops"]["fit_loop"]
    if not _counts(loop, fresh) or contents["ColourData"]["skip"] >= num_batches:
        raise InputError(f"{path}: its loops are not those of a run of {num_batches} batches; pass another file")


def _counts(old: Any, new: Any) -> bool:
    """Whether counts and switches are where others are; Lightning sets whatever attribute a state names."""
    if isinstance(new, dict):
        return isinstance(old, dict) and old.keys() == new.keys() and all(_counts(old[name], new[name]) for name in new)
    return isinstance(old, bool) if isinstance(new, bool) else _is_count(old)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def check_optimizer(
    path: Path, contents: dict[str, Any], fresh: Optimizer | None, build: Callable[..., Any] | None = None
) -> None:
    """Raises InputError where the states of a checkpoint's optimizer or schedule do not fit.

    A fused step would write past a state's end, and a schedule's state sets any attribute that it names.

    Args:
        path: of the checkpoint.
        contents: what it holds.
        fresh: the optimizer of the configuration, over copies of the weights, which are moved; None where nothing is
            trained.
        build: builds the schedule of the configuration from it; None where there is none.
    """
    if fresh is None:
        # Lightning keeps a place for the optimizer that a baseline lacks
        if contents.get("optimizer_states") not in (None, [], [{}]) or contents["plateau"] is not None:
            raise InputError(
                f"{path} holds an optimizer's state, but its network has nothing to train; pass another file"
            )
        return
    try:
        wrong = "lr_schedulers" if not _is_scheduled(contents, fresh, build) else ""
        wrong = wrong or ("optimizer_states" if not _fits(contents["optimizer_states"], fresh) else "")
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        wrong = "optimizer_states or lr_schedulers"
    if wrong:
        raise InputError(f"{path}: its {wrong} do not fit the optimizer of its configuration; pass another file")


def _is_scheduled(contents: dict[str, Any], fresh: Optimizer, build: Callable[..., Any] | None) -> bool:
    """Whether a schedule's state is that of the configuration's, but for how far it is."""
    states, plateau = contents["lr_schedulers"], contents["plateau"]
    if build is None:
        return states == [] and plateau is None
    (old,) = states if plateau is None else [*states, plateau]
    length = old.get("total_steps", old.get("T_max", 1))
    if not _is_count(length) or not length:
        return False
    schedule = build(fresh, num_steps=length)
    new = schedule.state_dict()
    return (
        isinstance(schedule, ReduceLROnPlateau) == (plateau is not None)
        and "last_epoch" in old
        and old.keys() <= new.keys()
        and all(_moves(old[name], new[name]) if name in MOVING else _same(old[name], new[name]) for name in old)
        and old.get("total_iters", 1) > 0
    )


def _fits(states: Any, fresh: Optimizer) -> bool:
    """Whether tensors have the shapes, and settings the values, that the optimizer's own step leaves."""
    (state,) = states
    for group in fresh.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    groups = copy.deepcopy(fresh.state_dict()["param_groups"])  # a step may move the rate
    fresh.step()
    new = fresh.state_dict()["state"]
    return all(
        _is_group(old, group) for old, group in zip(state["param_groups"], groups, strict=True)
    ) and all(
        not values or (values.keys() == new[index].keys() and all(_belongs(values[name], new[index][name])
                                                                  for name in values))
        for index, values in state["state"].items()
    )  # fmt: skip


def _is_group(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether settings are those of a group, but for its rate and what a schedule moves; switches may be missing."""
    if not all(name in old or value is None or isinstance(value, bool) for name, value in new.items()):
        return False
    return all(_is_setting(name, value, new) for name, value in old.items())


def _is_setting(name: str, old: Any, new: dict[str, Any]) -> bool:
    if name not in new:
        return _is_number(old)
    if name == "lr":
        return _is_number(old) and 0 <= old < math.inf
    if name in ("momentum", "betas") and "max_momentum" in new:  # moved by the schedule
        first, *rest = (old, new[name]) if name == "momentum" else (old[0], tuple(old[1:]), new[name][1:])
        moved = _is_number(first) and new["base_momentum"] - 1e-9 <= first <= new["max_momentum"] + 1e-9
        return moved and (name == "momentum" or _same(*rest))
    return _same(old, new[name]) or (name == "fused" and old is None)  # from before there was a choice


def _belongs(old: Any, new: Any) -> bool:
    """Whether a part of a state is as the step's own: of its shape; a count not below zero."""
    if isinstance(new, torch.Tensor) and new.ndim:
        return isinstance(old, torch.Tensor) and old.is_floating_point() and old.shape == new.shape
    if isinstance(new, torch.Tensor):
        scalar = isinstance(old, torch.Tensor) and old.is_floating_point() and old.ndim == 0
        return (scalar or _is_number(old)) and 0 <= float(old) < math.inf
    return _moves(old, new)


def _moves(old: Any, new: Any) -> bool:
    """Whether a value is of the kind of another: a count, a number, a switch, nothing, or as many of them."""
    if isinstance(new, list | tuple):
        return isinstance(old, list | tuple) and len(old) == len(new) and all(map(_moves, old, new))
    if new is None or isinstance(new, bool):
        return type(old) is type(new)
    return _is_count(old) if isinstance(new, int) else _is_number(old)


def _same(old: Any, new: Any) -> bool:
    """Whether plain values are equal; True is no 1, and a list may stand for a tuple."""
    if isinstance(new, dict):
        return isinstance(old, dict) and old.keys() == new.keys() and all(_same(old[name], new[name]) for name in new)
    if isinstance(new, list | tuple):
        return isinstance(old, list | tuple) and len(old) == len(new) and all(map(_same, old, new))
    alike = type(old) is type(new) or (_is_number(old) and _is_number(new))
    return alike and bool(old == new)


def _own_packages(knobs: dict[str, Any]) -> set[str]:
    """Packages of the networks and sources that are not ours and that the command itself names."""
    targets = [(group, str(knobs[group]["_target_"])) for group in NODES if knobs.get(group)]
    return {target.partition(".")[0] for group, target in targets if not options.is_option(group, target)}


def check_pictures(path: Path, contents: dict[str, Any], knobs: dict[str, Any], fingerprint: str) -> None:
    """Raises InputError where the pictures or the palette are other ones; logs where the same ones have moved."""
    if contents["fingerprint"] != fingerprint:
        raise InputError(
            f"{path} was trained on other pictures or another palette than there are now; pass data.root=DIR with "
            "those, or start a run of its own"
        )
    if text := moved(contents["config"], knobs):
        log.warning("%s: %s", path, text)


def check_weights(path: Path, contents: dict[str, Any], module: nn.Module) -> None:
    """Raises InputError where a checkpoint's tensors are not those of the module: other names, shapes or kinds.

    The weights, and where those are a moving average, the ones that training goes on from.
    """
    wanted = {name: (tensor.shape, tensor.is_floating_point()) for name, tensor in module.state_dict().items()}
    for state in (contents["state_dict"], contents.get("current_model_state", contents["state_dict"])):
        found = {
            name: (value.shape, value.is_floating_point())
            for name, value in state.items()
            if isinstance(value, torch.Tensor)
        }
        for name in wanted | found | state:
            if wanted.get(name) != found.get(name):
                raise InputError(
                    f"{path}: {shown(str(name))} does not fit the network of its configuration; pass another file"
                )
        if not torch.equal(state["model.palette"], module.get_buffer("model.palette")):
            raise InputError(f"{path}: its palette is not that of its pictures; pass another file")
