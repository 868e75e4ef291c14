"""Arguments of Lightning's Trainer: types and ranges of the accepted arguments, and why the others are refused.

``docs/trainer.md`` shows both tables. A test compares them with the Trainer's signature.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from colourize.config.knob import MISSING
from colourize.errors import InputError

Rule = tuple[str, Callable[[Any], bool]]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _one_of(*names: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is name or (isinstance(name, str) and value == name) for name in names)


def _batches(value: Any) -> bool:
    return value is None or (_number(value) and (0 < value <= 1 or (value > 1 and value % 1 == 0)))


BATCHES: Rule = "a number of batches >= 1, or a share in (0, 1] such as 0.5", _batches
POSITIVE: Rule = "an integer >= 1", lambda value: _whole(value, 1)
COUNT: Rule = "an integer >= 0", lambda value: value is None or _whole(value, 0)
SWITCH: Rule = "true or false", _one_of(True, False)
CLIP: Rule = "a number >= 0", lambda value: value is None or (_number(value) and 0 <= value < float("inf"))


def _taken(does: str, rule: Rule, changes_nothing: bool = False) -> Any:
    """A field; ``changes_nothing``: the argument has no effect on the training."""
    metadata = {"does": does, "rule": rule[0], "fits": rule[1], "changes_nothing": changes_nothing}
    return field(default=MISSING, metadata=metadata)


def _fits_time(value: Any) -> bool:
    try:
        return value is None or seconds(value) is not None
    except (TypeError, ValueError):
        return False


@dataclass
class TrainerKnobs:
    """The arguments ``trainer.NAME=value``. An argument without a value has Lightning's default and is not stored."""

    accumulate_grad_batches: int = _taken(
        "batches for each step of the optimizer; all their pictures have the same weight", POSITIVE
    )
    check_val_every_n_epoch: int | None = _taken(
        "epochs from one validation to the next; null: val_check_interval counts batches across epochs",
        ("an integer >= 1, or null", lambda value: value is None or _whole(value, 1)),
    )
    detect_anomaly: bool = _taken("stops at the operation with a NaN gradient, and names it; slow", SWITCH)
    deterministic: bool | str | None = _taken(
        "only torch's deterministic algorithms; an operation without one fails, or with warn is named",
        ("true, false or warn", _one_of(True, False, None, "warn")),
    )
    enable_progress_bar: bool | None = _taken(
        "false: neither a bar nor a line for each epoch",
        ("true or false", _one_of(True, False, None)),
        changes_nothing=True,
    )
    gradient_clip_algorithm: str | None = _taken(
        "clips the norm of all gradients together, or each value", ("norm or value", _one_of("norm", "value", None))
    )
    gradient_clip_val: int | float | None = _taken("the largest norm or value of a gradient; 0: no limit", CLIP)
    limit_train_batches: int | float | None = _taken("trains on this many batches of each epoch", BATCHES)
    limit_val_batches: int | float | None = _taken("validates on this many batches", BATCHES)
    max_time: Any = _taken(  # noqa: RUF009  ruff takes Any for mutable
        "ends the run after this time, as a signal does: it is saved and can be resumed",
        ("a time DD:HH:MM:SS > 0", _fits_time),
        changes_nothing=True,
    )
    min_epochs: int | None = _taken("epochs before patience may end the run; at most max_epochs", COUNT)
    min_steps: int | None = _taken("steps of the optimizer before patience may end the run", COUNT)
    profiler: str | None = _taken(
        "measures where the time goes; writes fit-profile* to the run folder",
        ("simple, advanced or pytorch", _one_of("simple", "advanced", "pytorch", None)),
        changes_nothing=True,
    )
    reload_dataloaders_every_n_epochs: int = _taken("creates new loaders; results have the same bits", COUNT)
    val_check_interval: int | float | None = _taken("batches, or share of an epoch, between validations", BATCHES)


TAKEN = {known.name: known.metadata for known in fields(TrainerKnobs)}
KNOB = "it is a separate knob"
REFUSED = {
    "accelerator": KNOB,
    "barebones": "it leaves out checkpoints, without which a run cannot be resumed",
    "benchmark": "it chooses kernels by their speed, so a resumed run would end in other bits",
    "callbacks": "it is a separate knob: pass callbacks=lr_monitor, or a list: callbacks=[lr_monitor,timer]",
    "default_root_dir": "the run folder is hydra.run.dir",
    "devices": KNOB,
    "enable_autolog_hparams": "every run writes its configuration to run.json and TensorBoard",
    "enable_checkpointing": "a run is resumed from its checkpoints",
    "enable_model_summary": "colourize describe counts a network's weights, outputs and connections",
    "fast_dev_run": "pass debug=fast",
    "inference_mode": "a validation computes the same with and without it",
    "limit_predict_batches": "a run only trains and validates",
    "limit_test_batches": "a run only trains and validates",
    "log_every_n_steps": "curves have one point for each epoch",
    "logger": "it is a separate knob: pass logger=csv, or a list: logger=[tensorboard,wandb]",
    "max_epochs": KNOB,
    "max_steps": "a run ends with an epoch; pass max_epochs and trainer.limit_train_batches",
    "model_registry": "checkpoints stay in the run folder",
    "num_nodes": KNOB,
    "num_sanity_val_steps": "the first validation comes after the first epoch",
    "overfit_batches": "pass debug=overfit",
    "plugins": "it takes objects, and a command line only has plain values; precision is a knob",
    "precision": KNOB,
    "strategy": KNOB,
    "sync_batchnorm": KNOB,
    "use_distributed_sampler": "each rank always reads its own part of every batch",
}
WITHOUT_EFFECT = (
    "benchmark", "enable_autolog_hparams", "enable_model_summary", "inference_mode", "limit_predict_batches",
    "limit_test_batches", "log_every_n_steps", "sync_batchnorm", "use_distributed_sampler",
)  # fmt: skip
"""Refused arguments that never had an effect. Older runs that have them are resumed without them."""
CHANGES_NOTHING = *(name for name, known in TAKEN.items() if known["changes_nothing"]), *WITHOUT_EFFECT
WITHIN = re.compile(r"[+~]*trainer\.(\w+)\.")
WORD = re.compile(r"(\+\+|\+|~)?trainer\.(\w+)(?:=(.*))?", re.S)


def seconds(time: Any) -> float:
    """A ``max_time``, "DD:HH:MM:SS" or {hours: 1}, in seconds.

    Raises:
        ValueError, TypeError: another form, or a time <= 0 or above a billion days.
    """
    if not isinstance(time, dict):
        found = re.fullmatch(r"(\d+):(\d\d):(\d\d):(\d\d)", str(time))
        if not found:
            raise ValueError(time)
        time = dict(zip(("days", "hours", "minutes", "seconds"), map(int, found.groups()), strict=True))
    try:
        length = timedelta(**time).total_seconds()
    except OverflowError as error:
        raise ValueError(time) from error
    if length <= 0:
        raise ValueError(time)
    return length


def check(values: dict[str, Any], max_epochs: int) -> None:
    """Raises InputError for the first argument that is refused or outside its range."""
    for name, value in values.items():
        if name not in TAKEN:
            raise InputError(_unknown(name, value))
        if not TAKEN[name]["fits"](value):
            raise InputError(_wrong(name, value))
    for name in ("check_val_every_n_epoch", "min_epochs"):
        if (values.get(name) or 0) > max_epochs:
            raise InputError(f"trainer.{name} must be <= max_epochs={max_epochs}, got {values[name]}")


def typed(values: Mapping[str, Any]) -> str:
    """Arguments as one types them: ``trainer.limit_train_batches=2 trainer.detect_anomaly=true``."""
    words = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return " ".join(f"trainer.{name}={value}" for name, value in words.items()) or "trainer"


def normalised(words: Sequence[str], given: Sequence[str]) -> list[str]:
    """Replaces ``+trainer.x=1`` in a command line with ``trainer.x=1``, and ``~trainer.x`` with Lightning's default.

    An argument that is a separate knob, ``trainer.max_epochs``, becomes that knob.

    Args:
        words: the command line, with the overrides of the resumed run.
        given: overrides that the user typed. Arguments without effect are removed from the others.

    Raises:
        InputError: a refused argument.
    """
    found = []
    for word in words:
        if (parts := WORD.fullmatch(word)) is None:
            if (inner := WITHIN.match(word)) and inner[1] in REFUSED:
                raise InputError(_unknown(inner[1]))
            found.append(word)
            continue
        sign, name, value = parts.groups()
        if name in WITHOUT_EFFECT and word not in given:
            continue
        if REFUSED.get(name) == KNOB and sign != "~" and value is not None:  # trainer.max_epochs=5, as people type it
            found.append(f"{name}={value}")
            continue
        if name not in TAKEN:
            raise InputError(_unknown(name, value))
        found.append(
            f"trainer.{name}={MISSING if sign == '~' else value}" if sign == "~" or value is not None else word
        )
    return found


def explained(text: str) -> str | None:
    """One line that replaces Hydra's or OmegaConf's text about an argument; None for other texts."""
    home = re.search(r"In '([^']+)':", text)
    where = f"{home[1]}: " if home else ""
    if "is not a subclass of TrainerKnobs" in text:
        return f"{where}trainer must be names with values, such as trainer.gradient_clip_val=1"
    if not (found := re.search(r"full_key: trainer\.(\w+)", text)):
        return None
    value = re.search(r"Value '(.*?)' (?:of type|is not|is incompatible)", text)
    shown = value[1] if value else "null" if "is not Optional" in text else "another kind"
    line = _wrong(found[1], shown) if found[1] in TAKEN else _unknown(found[1])
    return where + line


def _unknown(name: str, value: Any = None) -> str:
    word = f"trainer.{name}" if value is None else f"trainer.{name}={value}"
    if name in REFUSED:
        return f"{word} is refused: {REFUSED[name]}"
    close = difflib.get_close_matches(name, TAKEN, 1)
    return f"{word} is unknown; " + (
        f"did you mean trainer.{close[0]}?" if close else "docs/trainer.md lists the arguments of a run"
    )


def _wrong(name: str, value: Any) -> str:
    shown = {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else value
    return f"trainer.{name} must be {TAKEN[name]['rule']}, got {shown}"
