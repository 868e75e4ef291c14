"""Configurations in files: packs them for storage, and checks them after reading.

The user may type any ``_target_``; a file may only name options of ours, by name and version, and contain plain values.
Every configuration of a checkpoint is checked here before anything is built from it.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from colourize.config import options, parts
from colourize.config.knobs import KNOBS, NODES, OPTIONAL, SEVERAL, check_types, required
from colourize.config.options import OPTIONS, is_option, named, option, refusal
from colourize.errors import InputError, shown

DEEPEST, MOST_VALUES, LONGEST = 6, 4096, 4096  # levels, values, characters of one; ours have 3, about 100 and a path
KEY = r"[A-Za-z]\w*"  # names with a leading underscore are instructions to Hydra


def checked(config: Any, file: str | Path, trusted: Collection[str] = ()) -> dict[str, Any]:
    """Checks that a configuration has plain values of the right types, and names only options of ours; returns it.

    Args:
        config: the configuration in the file.
        file: its name, for the message.
        trusted: packages with networks and sources that the file may also name (``--trust``).

    Raises:
        InputError: anything other than knobs, plain values and options. The check imports nothing.
    """
    if not isinstance(config, dict):
        raise InputError(f"{file}: config must be a dictionary of knobs, got {type(config).__name__}")
    for name in config:
        if name not in KNOBS:
            raise InputError(f"{file}: {shown(name)} is not a knob; a newer colourize may have written this file")
    if lacking := sorted(required() - config.keys()):
        raise InputError(f"{file}: config lacks {', '.join(lacking)}; colourize writes all knobs, so pass another file")
    values = dict(config)
    for group in NODES:
        node = config.get(group)
        if node or group not in OPTIONAL:
            values[group] = _values(group, node, file, trusted)
    values["callbacks"] = _unnamed(config.get("callbacks") or {})  # none of them is built, so they may name any code
    _check_plain(values, f"{file}: config")
    _check_types(config, file)
    return config


def _values(group: str, node: Any, file: str | Path, trusted: Collection[str]) -> dict[str, Any]:
    """The values of a node; its target must be one of our options or in a trusted package."""
    target = node.get("_target_") if isinstance(node, dict) else node
    if not isinstance(node, dict) or not is_option(group, target, trusted):
        raise InputError(f"{file}: {refusal(group, target)}")
    if not is_option(group, str(target)):
        named(group, str(target), trusted)
    return {key: value for key, value in node.items() if key != "_target_"}


def _unnamed(nodes: Any) -> Any:
    """Several nodes without the names of their code."""
    if not isinstance(nodes, dict):
        return nodes
    return {
        name: {key: value for key, value in node.items() if key != "_target_" or not isinstance(value, str)}
        if isinstance(node, dict)
        else node
        for name, node in nodes.items()
    }


def _check_plain(config: dict[str, Any], file: str) -> None:
    """Raises InputError if a value is not plain, or contains an instruction to Hydra or OmegaConf."""
    left: list[tuple[Any, str, int]] = [(config, file, 0)]
    for _ in range(MOST_VALUES):
        if not left:
            return
        value, where, depth = left.pop()
        if isinstance(value, dict | list) and depth < DEEPEST:
            entries = value.items() if isinstance(value, dict) else enumerate(value)
            form = parts.PART if where in (f"{file}.{name}" for name in parts.KNOBS_OF_PARTS) else KEY
            for key, entry in entries:
                if isinstance(value, dict) and not (isinstance(key, str) and re.fullmatch(form, key)):
                    raise InputError(f"{where}: {shown(key)} must not be a key in a file; pass another file")
                left.append((entry, f"{where}.{key}", depth + 1))
        elif isinstance(value, str):
            if "${" in value or "\0" in value or len(value) > LONGEST:
                raise InputError(f"{where} must be a plain value, got {shown(value)}; pass another file")
        elif isinstance(value, int) and abs(value) >= 2**63:
            raise InputError(f"{where} must be an integer of 64 bits; pass another file")
        elif not isinstance(value, int | float | None):
            raise InputError(f"{where} must be a plain value, got {type(value).__name__}; pass another file")
    raise InputError(f"{file}: config must have at most {MOST_VALUES} values; pass another file")


def _check_types(config: dict[str, Any], file: str | Path) -> None:
    """Raises InputError if a knob does not have its declared type.

    Values of ``trainer`` are not checked: nothing is built from them, and older runs may have arguments that are now
    refused.
    """
    try:
        check_types(config)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def to_hand_on(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration for a file to pass on, without the run's name and tags: paths are cut to their last name, and
    the cache is the default."""
    labels = dict.fromkeys(config.keys() & {"name", "tags"})
    return {**_without_places(config), "cache_dir": KNOBS["cache_dir"].default, **labels}


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_places(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_places(entry) for entry in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value


def packed(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration in stored form: options and colour space by name and version, never by Python path.

    An option becomes {name, version, values}, the user's own code {code, values}.
    """
    stored = {group: _packed_all(group, value) for group, value in config.items()}
    if isinstance(space := config.get("colour_space"), str):
        stored["colour_space"] = {"name": space, "version": options.version("colour_space", space)}
    return stored


def _packed_all(group: str, value: Any) -> Any:
    if group in SEVERAL and isinstance(value, dict):
        return {name: _packed(group, node) for name, node in value.items()}
    return _packed(group, value) if group in NODES else value


def _packed(group: str, node: Any) -> Any:
    if not isinstance(node, dict) or "_target_" not in node:
        return node
    values = {key: value for key, value in node.items() if key != "_target_"}
    name = option(node["_target_"], group)
    if name not in OPTIONS[group]:
        return {"code": node["_target_"], "values": values}
    return {"name": name, "version": options.version(group, name), "values": values}


def unpacked(stored: Any, file: str | Path) -> Any:
    """Undoes ``packed``; imports nothing, and the result must still pass ``checked``.

    Raises:
        InputError: an unknown name, a version newer than ours, or a malformed node.
    """
    if not isinstance(stored, dict):
        return stored
    config = {group: _unpacked_all(group, value, file) for group, value in stored.items()}
    if isinstance(space := stored.get("colour_space"), dict):
        config["colour_space"] = _known("colour_space", space, file)
    return config


def _unpacked_all(group: str, value: Any, file: str | Path) -> Any:
    if group in SEVERAL and isinstance(value, dict):
        nodes = value.items()
        return {name: _unpacked(group, node, file) if _is_packed(node) else node for name, node in nodes}
    return _unpacked(group, value, file) if group in NODES else value


def _is_packed(node: Any) -> bool:
    return isinstance(node, dict) and "values" in node and not node.keys().isdisjoint({"name", "code"})


def _unpacked(group: str, node: Any, file: str | Path) -> Any:
    if not node:
        return node
    values = node.get("values") if isinstance(node, dict) else None
    if not isinstance(values, dict) or "_target_" in values or not node.keys() <= {"name", "version", "values", "code"}:
        raise InputError(f"{file}: {group} must be a name, a version and values, got {shown(node)}; pass another file")
    target = node["code"] if "code" in node else OPTIONS[group][_known(group, node, file)]
    return {"_target_": target, **values}


def _known(group: str, node: dict[str, Any], file: str | Path) -> str:
    """The name of a stored option, after checking that it is ours and that we read its version."""
    name, version = node.get("name"), node.get("version")
    if not isinstance(name, str) or name not in options.names(group):
        raise InputError(f"{file}: {refusal(group, name)}")
    ours = options.version(group, name)
    if type(version) is not int or not 1 <= version <= ours:
        raise InputError(
            f"{file}: {group}={name} must be of version 1 to {ours}, got {shown(version)}; install a newer colourize"
        )
    return name
