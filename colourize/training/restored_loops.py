"""Checks the states of the loops and callbacks in a checkpoint."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason

from colourize.config.knobs import value_in
from colourize.errors import InputError, shown
from colourize.training.batches import place
from colourize.training.stored_values import is_count, is_number

WAITING = "EarlyStopping"  # start of the key of its state; the name of the metric follows


def progress(path: Path, contents: dict[str, Any], num_metrics: int) -> tuple[int, int, bool]:
    """The numbers of finished epochs and of batches after them, and whether training stopped early.

    Args:
        path: the checkpoint.
        contents: its contents.
        num_metrics: number of training metrics in the epoch table.

    Raises:
        InputError: a state that is needed to resume is missing or malformed.
    """
    try:
        callbacks, loop = contents["callbacks"], contents["loops"]["fit_loop"]
        table, own, at = callbacks["EpochTable"], callbacks["Resumption"], contents["place"]
        right = {
            "EpochTable": _is_table(table, num_metrics),
            "place": at.keys() == {"epoch", "skip"} and all(map(is_count, at.values())),
            "Resumption": isinstance(own["stopped"], bool) and is_number(own["best"]),
            "EarlyStopping": all(_is_waiting(value) for name, value in callbacks.items() if name.startswith(WAITING)),
            "MovingAverage": _is_averaged(contents),
            "loops": at == place(loop) and at["epoch"] == len(table["rows"]),
            "global_step": is_count(contents["global_step"]),
            "epoch": is_count(contents["epoch"]),
            "pytorch-lightning_version": isinstance(contents["pytorch-lightning_version"], str),
            "fixed": all(isinstance(name, str) for name in contents.get("fixed", ())),
            "state_dict": isinstance(contents["state_dict"], dict),
        }
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} lacks the position of its training ({shown(str(error))}); pass another file"
        ) from error
    if wrong := [name for name, fits in right.items() if not fits]:
        raise InputError(f"{path}: {', '.join(wrong)} does not have the form that a run writes; pass another file")
    return len(table["rows"]), at["skip"], own["stopped"]


def _is_table(table: dict[str, Any], num_metrics: int) -> bool:
    """Whether a table's rows, current epoch and seconds have the form written by ``EpochTable``."""
    rows, begun = table["rows"], table["begun"]
    return (
        all(row.keys() >= {"epoch", "step"} and all(map(is_number, row.values())) for row in rows)
        and (not begun or _is_under_way(begun, num_metrics))
        and isinstance(begun, dict)
        and is_number(table["seconds"])
        and is_count(table["num_before"])
        and table["num_before"] <= len(rows)
    )


def _is_under_way(begun: dict[str, Any], num_metrics: int) -> bool:
    sums = begun["sums"]
    return (
        isinstance(sums, torch.Tensor)
        and sums.shape == (num_metrics,)
        and sums.is_floating_point()
        and is_number(begun["lr"])
        and is_count(begun["num_examples"])
        and all(map(is_number, begun["val"].values()))
        and ("ranks" not in begun or _is_of_ranks(begun["ranks"], num_metrics))
    )


def _is_of_ranks(ranks: Any, num_metrics: int) -> bool:
    """Whether it has the form of the sums of several ranks."""
    rows = isinstance(ranks, torch.Tensor) and ranks.ndim == 2 and ranks.dtype == torch.float64
    return rows and len(ranks) > 1 and ranks.shape[1] == num_metrics + 1 and bool(torch.isfinite(ranks[:, -1]).all())


def _is_waiting(state: dict[str, Any]) -> bool:
    """Whether a state has the form written by ``EarlyStopping``."""
    best = state["best_score"]
    return (
        all(is_count(state[name]) for name in ("wait_count", "stopped_epoch", "patience"))
        and (is_number(best) or (isinstance(best, torch.Tensor) and best.ndim == 0))
        and state.get("stopping_reason", 0) in [reason.value for reason in EarlyStoppingReason]
    )


def _is_averaged(contents: dict[str, Any]) -> bool:
    """Whether a moving average is complete or absent."""
    parts = "MovingAverage" in contents["callbacks"], "current_model_state" in contents, "averaging_state" in contents
    averages = value_in(contents["config"], "ema") is not None
    return parts == (averages,) * 3 and (
        not averages
        or (
            is_count(contents["callbacks"]["MovingAverage"]["latest_update_step"])
            and isinstance(contents["current_model_state"], dict)
            and isinstance(contents["averaging_state"], dict)
        )
    )


def check_loops(path: Path, contents: dict[str, Any], fresh: dict[str, Any], num_batches: int) -> None:
    """Raises InputError if the state of a checkpoint's loops has another form than the state of Lightning's loops.

    Args:
        path: the checkpoint.
        contents: its contents.
        fresh: the state of a loop that has not begun.
        num_batches: number of batches per epoch.
    """
    loop = contents["loops"]["fit_loop"]
    if not _counts(loop, fresh) or contents["place"]["skip"] >= num_batches:
        raise InputError(f"{path}: its loops are not those of a run of {num_batches} batches; pass another file")


def _counts(old: Any, new: Any) -> bool:
    """Whether names and types match Lightning's state, because Lightning sets any attribute that a state names."""
    if isinstance(new, dict):
        return isinstance(old, dict) and old.keys() == new.keys() and all(_counts(old[name], new[name]) for name in new)
    return isinstance(old, bool) if isinstance(new, bool) else is_count(old)
