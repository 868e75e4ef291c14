"""The parts of a network that ``freeze`` and ``lr_scale`` name. Pure Python: a network is its parameters' names.

A part is a module with weights, or a parameter, by its dotted path in the network: ``down1``, ``down1.0.weight``. A
glob names several; its ``*`` also matches dots.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any

from colourize.errors import InputError, shown

KNOBS_OF_PARTS = "freeze", "lr_scale"
PART = r"[A-Za-z0-9*?\[][\w.*?!\[\]-]*"
"""Names and globs of parts, which may be keys in a file; a leading underscore could be an instruction to Hydra."""
FIRST = "first"  # the first module; a part of this name takes precedence
FREEZE = "pass for example freeze=2 (the first two modules), freeze=[encoder,down*] or freeze={encoder: 3} (epochs)"
SCALE = "pass for example lr_scale={encoder: 0.1}"
NAMED = 12  # parts named in a message


def check(config: Mapping[str, Any]) -> None:
    """Raises InputError if ``freeze``, ``unfreeze_every`` or ``lr_scale`` have another form than their comments say."""
    wanted, every = wanted_frozen(config["freeze"]), config["unfreeze_every"]
    if every is not None and not wanted:
        raise InputError(f"unfreeze_every={every} requires freeze; {FREEZE}")
    if every is not None and isinstance(config["freeze"], dict):
        raise InputError(f"unfreeze_every={every}: freeze already names epochs; leave one of the two out")
    factors(config["lr_scale"])


def wanted_frozen(value: Any) -> dict[str | int, float]:
    """``freeze`` as a dictionary: name, glob or number of first modules -> epochs without change, inf: all.

    Raises:
        InputError: the value has another form.
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        wrong = [each for pair in value.items() if not _is_epochs(*pair) for each in pair]
        if wrong or not value:
            raise InputError(f"freeze must name parts with a number of epochs >= 1, got {_typed(value)}; {FREEZE}")
        _check_names("freeze", value)
        return {name: math.inf if epochs is None else epochs for name, epochs in value.items()}
    listed = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    entries = [_entry(each) for each in listed]
    if not entries or None in entries:
        rule = "names, globs, or the number >= 1 of first modules"
        raise InputError(f"freeze must be {rule}, got {_typed(value)}; {FREEZE}")
    return {entry: math.inf for entry in entries if entry is not None}


def _is_epochs(name: Any, epochs: Any) -> bool:
    whole = epochs is None or (isinstance(epochs, int) and not isinstance(epochs, bool) and epochs >= 1)
    return isinstance(name, str) and bool(name.strip()) and whole


def _entry(value: Any) -> str | int | None:
    if isinstance(value, str):
        value = value.strip()
        value = int(value) if value.isdecimal() else value
    fits = isinstance(value, str | int) and not isinstance(value, bool) and value not in ("", 0)
    return value if fits and not (isinstance(value, int) and value < 1) else None


def factors(value: Any) -> dict[str, float]:
    """``lr_scale`` as a dictionary: name or glob -> factor of the learning rate.

    Raises:
        InputError: the value has another form, or a factor is not finite and > 0.
    """
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value):
        raise InputError(f"lr_scale must name parts with factors, got {_typed(value)}; {SCALE}")
    _check_names("lr_scale", value)
    for name, factor in value.items():
        if not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 < factor < math.inf:
            remedy = "pass freeze to leave a part as it is" if factor == 0 else SCALE
            raise InputError(f"lr_scale of {name} must be finite and > 0, got {_typed(factor)}; {remedy}")
    return {name: float(factor) for name, factor in value.items()}


def _check_names(knob: str, names: Collection[str]) -> None:
    """Raises InputError if a name could not be read back from a checkpoint."""
    for name in names:
        if name.startswith("_"):
            raise InputError(f"{knob}: {name!r} must not begin with _; pass a glob, such as ?{name[1:]}")
        if not re.fullmatch(PART, name):
            raise InputError(
                f"{knob}: {shown(name)} must be a name or a glob of a part; pass letters, digits and .*?[]"
            )


def _typed(value: Any) -> str:
    return str(value) if isinstance(value, dict | list | float) else shown(value)


def parts(names: Sequence[str]) -> list[str]:
    """All parts of a network in order: modules that contain parameters, and the parameters."""
    return list(dict.fromkeys(path for name in names for path in paths(name)))


def paths(name: str) -> list[str]:
    """A part and those that contain it, from the outermost: ``a.b.c`` -> ``a``, ``a.b``, ``a.b.c``."""
    return list(accumulate(name.split("."), "{}.{}".format))


def named(knob: str, entry: str | int, names: Sequence[str]) -> list[str]:
    """The outermost parts that an entry of ``freeze`` or ``lr_scale`` names, in the network's order.

    Args:
        knob: name of the knob, for the message.
        entry: a name, a glob, or the number of first modules.
        names: dotted names of the network's parameters, in order.

    Raises:
        InputError: no part has this name, or the network has fewer modules.
    """
    known = parts(names)
    modules = list(dict.fromkeys(name.partition(".")[0] for name in names))
    if entry == FIRST and FIRST not in known:
        entry = 1
    if isinstance(entry, int):
        if entry > len(modules):
            raise InputError(f"{knob}={entry}: the network has {len(modules)} modules: {_listed(modules)}; pass fewer")
        return modules[:entry]
    found = [part for part in known if fnmatchcase(part, entry)]
    if not found:
        raise InputError(f"{knob}: the network has no part {shown(entry)}; its modules are {_listed(modules)}")
    return [part for part in found if not is_within(part.rpartition(".")[0], found)]


def _listed(modules: Sequence[str]) -> str:
    more = f" and {len(modules) - NAMED} more" if len(modules) > NAMED else ""
    return ", ".join(modules[:NAMED]) + more if modules else "none with weights"


def is_within(name: str, outer: Collection[str]) -> bool:
    """Whether a part, or one that contains it, is among the given parts."""
    return any(path in outer for path in paths(name))


def frozen(freeze: Any, unfreeze_every: int | None, names: Sequence[str]) -> dict[str, float]:
    """The parts that ``freeze`` names, each with the number of first epochs in which it does not change; inf: all.

    Gradual unfreezing (Howard, Ruder 2018, arXiv 1801.06146, section 3.3): every ``unfreeze_every`` epochs one more
    part is trained, from the last to the first.

    Raises:
        InputError: the network has no such part.
    """
    epochs: dict[str, float] = {}
    for entry, count in wanted_frozen(freeze).items():
        for part in named("freeze", entry, names):
            epochs[part] = max(count, epochs.get(part, 0))
    if unfreeze_every is None:
        return epochs
    order = [part for part in parts(names) if part in epochs]
    return {part: unfreeze_every * (place + 1) for place, part in enumerate(reversed(order))}


def scales(lr_scale: Mapping[str, float], names: Sequence[str]) -> list[float]:
    """The factor of each parameter's learning rate: the product of the factors of all names that include it.

    Raises:
        InputError: the network has no such part.
    """
    found = [(set(named("lr_scale", entry, names)), factor) for entry, factor in lr_scale.items()]
    return [math.prod(factor for outer, factor in found if is_within(name, outer)) for name in names]
