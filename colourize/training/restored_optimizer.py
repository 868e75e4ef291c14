"""Checks that a checkpoint's states fit the configured optimizer and schedule."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from colourize.errors import InputError
from colourize.private.torch import STEPPED
from colourize.training.stored_values import is_count, is_like, is_number, is_same

MOVING = "last_epoch", *STEPPED, "best", "num_bad_epochs", "cooldown_counter", "total_iters"
"""Entries changed by a schedule, and the length of a warm-up, which is stored only here."""


def check_optimizer(
    path: Path, contents: dict[str, Any], fresh: Optimizer | None, build: Callable[..., Any] | None = None
) -> None:
    """Raises InputError if the states of a checkpoint's optimizer or schedule do not fit.

    Without this check a fused step could write past the end of a state, and a schedule's state could set any attribute.

    Args:
        path: the checkpoint.
        contents: its contents.
        fresh: the optimizer of the configuration, on copies of the weights, which this function changes; None if
            nothing is trained.
        build: builds the schedule of the configuration from the optimizer; None: no schedule.
    """
    if fresh is None:
        # Lightning stores an empty state for a floor, which has no optimizer
        if contents.get("optimizer_states") not in (None, [], [{}]) or contents["plateau"] is not None:
            raise InputError(
                f"{path} contains an optimizer's state, but its network has nothing to train; pass another file"
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
    """Whether a schedule's state could be a state of the configured schedule, at any step."""
    states, plateau = contents["lr_schedulers"], contents["plateau"]
    if build is None:
        return states == [] and plateau is None
    (old,) = states if plateau is None else [*states, plateau]
    length = old.get("total_steps", old.get("T_max", 1))
    if not is_count(length) or not length:
        return False
    schedule = build(fresh, num_steps=length)
    new = schedule.state_dict()
    return (
        isinstance(schedule, ReduceLROnPlateau) == (plateau is not None)
        and "last_epoch" in old
        and old.keys() <= new.keys()
        and all(is_like(old[name], new[name]) if name in MOVING else is_same(old[name], new[name]) for name in old)
        and old.get("total_iters", 1) > 0
    )


def _fits(states: Any, fresh: Optimizer) -> bool:
    """Whether tensors have the shapes, and settings the values, that they have after a step of the optimizer."""
    (state,) = states
    for group in fresh.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    groups = copy.deepcopy(fresh.state_dict()["param_groups"])  # a step may change the rate
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
    """Whether settings equal a group's settings, except values that a schedule changes; switches may be missing."""
    if not all(name in old or value is None or isinstance(value, bool) for name, value in new.items()):
        return False
    return all(_is_setting(name, value, new) for name, value in old.items())


def _is_setting(name: str, old: Any, new: dict[str, Any]) -> bool:
    if name not in new:
        return is_number(old)
    if name == "lr":
        return is_number(old) and 0 <= old < math.inf
    if name in ("momentum", "betas") and "max_momentum" in new:  # the schedule changes these
        first, *rest = (old, new[name]) if name == "momentum" else (old[0], tuple(old[1:]), new[name][1:])
        moved = is_number(first) and new["base_momentum"] - 1e-9 <= first <= new["max_momentum"] + 1e-9
        return moved and (name == "momentum" or is_same(*rest))
    return is_same(old, new[name]) or (name == "fused" and old is None)  # None in checkpoints older than the setting


def _belongs(old: Any, new: Any) -> bool:
    """Whether an entry of a state has the shape that it has after a step; counts must be >= 0."""
    if isinstance(new, torch.Tensor) and new.ndim:
        return isinstance(old, torch.Tensor) and old.is_floating_point() and old.shape == new.shape
    if isinstance(new, torch.Tensor):
        scalar = isinstance(old, torch.Tensor) and old.is_floating_point() and old.ndim == 0
        return (scalar or is_number(old)) and 0 <= float(old) < math.inf
    return is_like(old, new)
