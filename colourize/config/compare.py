"""What may change in the configuration of a run that goes on, and what may not. Plain values; nothing heavy."""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

from colourize import files
from colourize.config.knobs import LATER, OPTIONAL
from colourize.config.options import OPTIONS, option
from colourize.config.trainer_knobs import WITHOUT_EFFECT
from colourize.errors import InputError

log = logging.getLogger(__name__)
SAME_TO_GO_ON = (
    "model", "num_colours", "optimizer", "augment", "loss", "scheduler", "data", "seed", "batch_size", "patience",
    "ema", "trainer", "colour_space",
)  # fmt: skip
OF_ANY_LENGTH = OPTIONS["scheduler"]["plateau"]  # every other schedule is laid out for the length of the run
SHOWN = "enable_progress_bar", "profiler", "max_time", *WITHOUT_EFFECT
"""Arguments of the Trainer that change nothing of what is trained."""
NO_DIFFERENCE = "cache_dir", "ckpt_path", "resume", "save_every", "measures"
OF_NO_PICTURE = "cache_dir", "download"
"""Values of a data source that change none of its pictures."""


def check_changes(before: dict[str, Any], now: dict[str, Any], where: str) -> None:
    """Raises InputError where a run could not go on as if it had never stopped; logs every other change by name.

    Args:
        before: the configuration with which the run was begun.
        now: that with which it is to go on.
        where: how a message names the run: "ckpt_path=last.ckpt was trained".
    """
    knobs, before, now = now.keys(), completed(comparable(before)), completed(comparable(now))
    for config in (before, now):
        config["data"].pop("root", None)  # the pictures' fingerprint decides, not where they lie
    of_its_length = now["scheduler"] and now["scheduler"]["_target_"] != OF_ANY_LENGTH
    refused = *SAME_TO_GO_ON, *(["max_epochs"] if of_its_length else [])
    for key in refused:
        for name, old, new in differences(key, before.get(key), now[key]):
            if name.endswith("._target_"):
                old, new = option(old, key), option(new, key)
                name = name if "." in old else key
            last = name.rpartition(".")[2]
            knob, old, new = last if last in knobs else name, typed(old), typed(new)
            raise InputError(f"{where} with {knob}={old}, not {new}; pass {knob}={old}, or start a run of its own")
    for key in now.keys() - set(refused):
        for name, old, new in differences(key, before.get(key), now[key]):
            log.warning("%s with %s=%s; it goes on with %s", where, name, typed(old), typed(new))


def moved(before: dict[str, Any], now: dict[str, Any]) -> str:
    """In words, that pictures lie in another folder than when a run was begun; empty where they do not.

    Args:
        before: the configuration with which the run was begun.
        now: that with which its pictures were read now, and found to be the same.
    """
    old, new = (config["data"].get("root") for config in (before, now))
    same = comparable(before)["data"].get("root") == comparable(now)["data"].get("root")
    return "" if same else f"the pictures of data.root={old} are the same in data.root={new}"


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without what makes no difference: where the cache lies, how the pictures' folder is written, and
    a later knob at the value that always held before it came."""
    trainer = {key: value for key, value in config["trainer"].items() if key not in SHOWN}
    data = {key: value for key, value in _without_later(config["data"]).items() if key not in OF_NO_PICTURE}
    if "root" in data:
        data["root"] = str(files.place(data["root"]))
    config = {key: value or {} if key in OPTIONAL else value for key, value in config.items()}
    kept = {key: value for key, value in _without_later(config).items() if key not in NO_DIFFERENCE}
    groups = {name: _without_later(config[name]) for name in ("model", "optimizer")}
    return {**kept, **groups, "data": data, "trainer": trainer}


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with every later knob, at its top, in its network, its optimizer and its pictures."""
    return {**LATER, **config, **{name: {**LATER, **config[name]} for name in ("model", "optimizer", "data")}}


def as_begun(knobs: dict[str, Any], before: dict[str, Any] | None, words: Sequence[str]) -> dict[str, Any]:
    """The knobs of a run that goes on, with later knobs of its pictures, and those that change nothing of what is
    trained, at the value that held when it was begun. Any other later knob is refused where its value is another.

    Args:
        knobs: as they are composed now, with today's defaults.
        before: the configuration with which the run was begun; None for a new one.
        words: of the command line, which come first.
    """
    pictures, given = (before or {}).get("data"), by_key(words)
    if not before or not isinstance(pictures, dict) or pictures.get("_target_") != knobs["data"]["_target_"]:
        return knobs
    came = LATER.keys() & (knobs["data"].keys() - pictures.keys())
    data = {name: LATER[name] for name in came if f"data.{name}" not in given}
    top = {name: LATER[name] for name in NO_DIFFERENCE if name in LATER.keys() - before.keys() - given.keys()}
    return {**knobs, **top, "data": {**knobs["data"], **data}}


def _without_later(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in LATER or value != LATER[key]}


def telling(words: Sequence[str]) -> frozenset[str]:
    """A job's words without those that make no difference, in no order."""
    idle = {*NO_DIFFERENCE, *(f"data.{name}" for name in OF_NO_PICTURE), *(f"trainer.{name}" for name in SHOWN)}
    return frozenset(word.lstrip("+") for key, word in by_key(words).items() if key not in idle)


def by_key(words: Sequence[str]) -> dict[str, str]:
    """A command line's words by the keys to which they give values; of several for a key the last holds."""
    return {key_of(word): word for word in words}


def key_of(word: str) -> str:
    """The key to which a word gives a value; a word with a dash is its own."""
    return word.partition("=")[0].lstrip("+~") if not word.startswith("-") else word


def config_hash(config: dict[str, Any]) -> str:
    """16 hex digits that stand for what makes a difference in a configuration."""
    return hashlib.sha256(json.dumps(comparable(config), sort_keys=True).encode()).hexdigest()[:16]


def typed(value: Any) -> Any:
    """A value as one types it: null, true, false."""
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else value


def differences(key: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Where two values of a configuration differ: dotted key, old and new value."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = {**old, **new}
        return [found for name in names for found in differences(f"{key}.{name}", old.get(name), new.get(name))]
    return [] if old == new else [(key, old, new)]
