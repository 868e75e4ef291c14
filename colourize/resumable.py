"""Whether training can continue from what a checkpoint holds. Checked before anything is loaded from it."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn

from colourize import options, stored
from colourize.changes import check_changes, moved
from colourize.config import NODES
from colourize.errors import InputError

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
    try:
        done, skip = len(contents["callbacks"]["EpochTable"]["rows"]), int(contents["ColourData"]["skip"])
        stopped = bool(contents["callbacks"]["Resumption"]["stopped"])
    except (TypeError, LookupError, ValueError) as error:
        raise InputError(f"{path} does not say how far training was ({error!r}); pass another checkpoint") from error
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
    found = {name: value.shape for name, value in state.items() if isinstance(value, torch.Tensor)}
    for name in wanted | found:
        if wanted.get(name) != found.get(name):
            raise InputError(
                f"{path}: {str(name)[:80]} does not fit the network of its configuration; pass another file"
            )
