"""Whether training can continue from what a checkpoint holds. Checked before anything is loaded from it."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from colourize import options, stored
from colourize.changes import check_changes, moved
from colourize.config import NODES
from colourize.errors import InputError, shown

log = logging.getLogger(__name__)
STATES = "callbacks", "fingerprint", "loops", "plateau", "ColourData"


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
        rows, place = contents["callbacks"]["EpochTable"]["rows"], contents["ColourData"]
        own, progress = contents["callbacks"]["Resumption"], contents["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        right = {
            "EpochTable": all(_is_number(value) for row in rows for value in dict(row).values()),
            "ColourData": place.keys() == {"epoch", "skip"} and all(map(_is_count, place.values())),
            "Resumption": isinstance(own["stopped"], bool) and _is_number(own["best"]),
            "loops": _is_count(progress["total"]["ready"]),
            "global_step": _is_count(contents["global_step"]),
            "pytorch-lightning_version": isinstance(contents["pytorch-lightning_version"], str),
            "state_dict": isinstance(contents["state_dict"], dict),
        }
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not say how far training was ({shown(str(error))}); pass another file"
        ) from error
    if wrong := [name for name, holds in right.items() if not holds]:
        raise InputError(f"{path}: {', '.join(wrong)} is not what a run writes; pass another file")
    return len(rows), place["skip"], own["stopped"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def check_optimizer(path: Path, contents: dict[str, Any], fresh: Optimizer | None) -> None:
    """Raises InputError where a checkpoint's optimizer state does not fit: a fused step would write past its end.

    Args:
        path: of the checkpoint.
        contents: what it holds.
        fresh: the optimizer of the configuration, before its first step; None where nothing is trained.
    """
    states = contents.get("optimizer_states")
    if fresh is None:
        if states not in (None, [], [{}]):  # Lightning keeps a place for the optimizer that a baseline lacks
            raise InputError(
                f"{path} holds an optimizer's state, but its network has nothing to train; pass another file"
            )
        return
    if not isinstance(states, list) or len(states) != 1 or not _fits(states[0], fresh):
        raise InputError(
            f"{path}: its optimizer_states do not fit the optimizer of its configuration; pass another file"
        )


def _fits(state: Any, fresh: Optimizer) -> bool:
    """Whether tensors have their parameters' shapes, and settings are of the kinds of a fresh optimizer's."""
    try:
        groups = list(zip(state["param_groups"], fresh.state_dict()["param_groups"], strict=True))
        parameters = [parameter for group in fresh.param_groups for parameter in group["params"]]
        kinds = all(_alike(old[name], new[name]) for old, new in groups for name in new if name in old)
        # a schedule adds numbers of its own, such as initial_lr
        added = all(_is_number(old[name]) for old, new in groups for name in old if name not in new)
        known = added and all(old["params"] == new["params"] for old, new in groups)
        return kinds and known and all(
            _belongs(name, value, parameters[index])
            for index, values in state["state"].items()
            for name, value in values.items()
        )  # fmt: skip
    except (AttributeError, LookupError, TypeError, ValueError):
        return False


def _belongs(name: str, value: Any, parameter: torch.Tensor) -> bool:
    if isinstance(value, torch.Tensor):
        return value.is_floating_point() and (value.shape == parameter.shape or (name == "step" and value.ndim == 0))
    return value is None or _is_number(value)


def _alike(old: Any, new: Any) -> bool:
    """Whether a setting is of the kind of another: a number, a list of as many numbers, a switch or nothing."""
    if isinstance(new, list | tuple):
        return isinstance(old, list | tuple) and len(old) == len(new) and all(map(_alike, old, new))
    if new is None or isinstance(new, bool):
        return old is None or isinstance(old, bool) or (_is_number(old) and new is None)
    scalar = isinstance(old, torch.Tensor) and old.ndim == 0
    return _is_number(old) or scalar


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
    """Raises InputError where a checkpoint's tensors are not those of the module: other names or other shapes."""
    wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
    state = contents["state_dict"]
    if "palette" in state and not torch.equal(state["palette"], module.get_buffer("palette")):
        raise InputError(f"{path}: its palette is not that of its pictures; pass another file")
    found = {name: value.shape for name, value in state.items() if isinstance(value, torch.Tensor)}
    for name in wanted | found:
        if wanted.get(name) != found.get(name):
            raise InputError(
                f"{path}: {str(name)[:80]} does not fit the network of its configuration; pass another file"
            )
