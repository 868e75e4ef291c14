"""Compares configurations: decides whether a run may be resumed, and which knobs may change. No heavy imports.

``runs.apart`` builds on this module, and shows in names and tables how runs differ.
"""

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from typing import Any

from colourize import files
from colourize.config import knobs, ranks
from colourize.config.knob import typed
from colourize.config.options import ONLY_OBSERVE, OPTIONS, option
from colourize.config.trainer_knobs import CHANGES_NOTHING
from colourize.errors import InputError

log = logging.getLogger(__name__)
OF_ANY_LENGTH = OPTIONS["scheduler"]["plateau"]  # every other schedule depends on the length of the run


def check_changes(old: dict[str, Any], new: dict[str, Any], where: str) -> None:
    """Raises InputError if a resumed run would differ from one without interruption; logs all other changes.

    Args:
        old: the configuration of the run.
        new: the configuration with which it is resumed.
        where: start of the message, such as "ckpt_path=last.ckpt was trained".
    """
    old, new = completed(comparable(old)), completed(comparable(new))
    for config in (old, new):
        config["data"].pop("root", None)  # the pictures' fingerprint is compared instead
    of_its_length = new["scheduler"] and new["scheduler"]["_target_"] != OF_ANY_LENGTH
    same = sorted(
        knobs.on_resume("same"), key=lambda key: key != "model"
    )  # first, because another network also has other knobs
    if other := ranks.mismatch(new, old):
        raise InputError(f"{where} {other}")
    if ranks.num_ranks(new) != ranks.num_ranks(old):
        same.remove("batch_size")  # its product with the number of ranks is the same
        log.warning("%s on %d ranks: the bits on %d differ", where, ranks.num_ranks(old), ranks.num_ranks(new))
    refused = *same, *(["max_epochs"] if of_its_length else [])
    for key in refused:
        for change in _changes(key, old.get(key), new[key]):
            name, first, second = _as_typed(key, *change)
            remedy = f"pass {name}={first}, or start a new run in another hydra.run.dir"
            raise InputError(f"{where} with {name}={first}, not {second}; {remedy}")
    for key in new.keys() - set(refused):
        for name, first, second in differences(key, old.get(key), new[key]):
            log.warning("%s with %s=%s; it is resumed with %s", where, name, typed(first), typed(second))


def _changes(key: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """The differences between two values of a knob; of several options, first those between their names."""
    if key in knobs.SEVERAL and [*(old or {})] != [*new]:
        return [(key, listed(old), listed(new))]
    return differences(key, old, new)


def listed(nodes: dict[str, Any] | None) -> str:
    """Several options as on the command line: none, timer, [timer,swa]."""
    names = ",".join(nodes or {})
    return f"[{names}]" if "," in names else names or "none"


def _as_typed(key: str, name: str, old: Any, new: Any) -> tuple[str, Any, Any]:
    """A difference inside a knob, as on the command line: the name of an option, or the knob that an option uses."""
    if name.endswith("._target_"):
        old, new = option(old, key), option(new, key)
        return name if "." in old else key, old, new
    last = name.rpartition(".")[2]
    return last if last in knobs.KNOBS else name, typed(old), typed(new)


def moved(old: dict[str, Any], new: dict[str, Any]) -> str:
    """A sentence if the pictures of a run have moved to another folder; otherwise empty.

    Args:
        old: the configuration of the run.
        new: the configuration that read the same pictures now.
    """
    first, second = (config["data"].get("root") for config in (old, new))
    same = comparable(old)["data"].get("root") == comparable(new)["data"].get("root")
    return "" if same else f"the pictures of data.root={first} are the same in data.root={second}"


def comparable(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without values that have no effect: the cache folder, the spelling of the pictures' folder, and
    knobs with their default for older configurations."""
    trainer = {key: value for key, value in config["trainer"].items() if key not in CHANGES_NOTHING}
    idle = knobs.on_resume("no difference", "data")
    data = {key: value for key, value in _without_older(config["data"], "data").items() if key not in idle}
    if "root" in data:
        data["root"] = str(files.place(data["root"]))
    config = {key: value or {} if key in knobs.OPTIONAL else value for key, value in config.items()}
    idle = knobs.on_resume("no difference")
    if callbacks := config.get("callbacks"):
        config["callbacks"] = {name: node for name, node in callbacks.items() if not _only_observes(node)}
    kept = {key: value for key, value in _without_older(config).items() if key not in idle}
    groups = {name: _without_older(config[name], name) for name in ("model", "optimizer")}
    return {**kept, **groups, "data": data, "trainer": trainer}


def _only_observes(node: Any) -> bool:
    """Whether a callback has no effect on the training."""
    return isinstance(node, dict) and option(node.get("_target_"), "callbacks") in ONLY_OBSERVE


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with a value for every knob: at the top level, in its network, optimizer and data source."""
    nodes = {name: {**knobs.before(name), **config[name]} for name in ("model", "optimizer", "data")}
    return {**knobs.before(), **config, **nodes}


def _without_older(values: dict[str, Any], group: str = "") -> dict[str, Any]:
    older = knobs.before(group)
    return {key: value for key, value in values.items() if key not in older or value != older[key]}


def as_begun(new: dict[str, Any], old: dict[str, Any] | None, words: Sequence[str]) -> dict[str, Any]:
    """The knobs for resuming a run that is older than some of them.

    Newer values of its data source, and newer knobs that may change on resume, get their default for older
    configurations. ``check_changes`` refuses any other newer knob with another value.

    Args:
        new: the knobs as composed now, with the current defaults.
        old: the configuration of the run; None for a new run.
        words: overrides of the command line, which take precedence.
    """
    pictures, given = (old or {}).get("data"), by_key(words)
    if not old or not isinstance(pictures, dict) or pictures.get("_target_") != new["data"]["_target_"]:
        return new
    held, inside = knobs.before(), knobs.before("data")
    lacking = inside.keys() & (new["data"].keys() - pictures.keys())
    data = {name: inside[name] for name in lacking if f"data.{name}" not in given}
    came = held.keys() - old.keys() - given.keys()
    may_change = {*knobs.on_resume("no difference"), *knobs.on_resume("noted")}
    top = {name: held[name] for name in may_change & came}
    return ranks.kept({**new, **top, "data": {**new["data"], **data}}, old)


def telling(words: Sequence[str]) -> frozenset[str]:
    """The overrides of a job that have an effect, as a set."""
    idle = {
        *knobs.on_resume("no difference"),
        *(f"{group}.{name}" for group in knobs.NODES for name in knobs.on_resume("no difference", group)),
        *(f"trainer.{name}" for name in CHANGES_NOTHING),
    }
    return frozenset(respelt(word).lstrip("+") for key, word in by_key(words).items() if key not in idle)


def by_key(words: Sequence[str]) -> dict[str, str]:
    """The overrides of a command line by key; the last one for a key counts."""
    return {key_of(word): word for word in words}


def key_of(word: str) -> str:
    """The key of an override; an argument with a dash is its own key."""
    return word.partition("=")[0].lstrip("+~") if not word.startswith("-") else word


def respelt(word: str) -> str:
    """An override of an older run with the current resolvers: ``${scaled:...}`` -> ``${colourize.scaled:...}``."""
    return re.sub(r"\$\{(scaled|per_network):", r"${colourize.\1:", word)


def config_hash(config: dict[str, Any]) -> str:
    """16 hex digits that identify the effective values of a configuration."""
    return hashlib.sha256(json.dumps(comparable(config), sort_keys=True).encode()).hexdigest()[:16]


def differences(key: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """The differences between two values of a configuration: dotted key, old and new value."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = {**old, **new}
        return [found for name in names for found in differences(f"{key}.{name}", old.get(name), new.get(name))]
    return [] if old == new else [(key, old, new)]
