"""Shows how runs differ: the effective values, names of runs, HPARAMS and the settings of a report.

``config.compare`` decides whether two configurations belong to one run; this module shows how they differ.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from colourize.config.compare import comparable, completed, differences, listed
from colourize.config.instantiate import short_name
from colourize.config.knob import typed
from colourize.config.knobs import KNOBS, NODES, OPTIONAL, SEVERAL, before, on_resume
from colourize.config.options import option
from colourize.present.terminal import clean

PICTURES = "pictures"
"""The fingerprint of pictures and palette. Paths do not identify pictures: these may move or be replaced."""
OF_ITS_OWN = ("seed",)
"""Values of options with another meaning than the knob of the same name: the seed of landscapes."""
Values = dict[str, Any]


def effective(config: Mapping[str, Any], repeats: bool = False, keep: Collection[str] = ()) -> Values:
    """The effective values, each once, by the key of the command line.

    The knobs, the name of each option, and the values inside options and ``trainer`` (``optimizer.betas``).

    Args:
        config: the resolved configuration, as in checkpoints.
        repeats: also include values of options that equal the knob of their name, such as ``model.kernel``.
        keep: names of such values that are always included.
    """
    flat: Values = {}
    for key, value in config.items():
        if key not in (*NODES, "trainer"):
            flat[key] = listed(value) if key in SEVERAL else value
            continue
        node = value or {}
        if key != "trainer":
            flat[key] = short_name(node) if key == "model" else option(node.get("_target_"), key)
        flat |= {
            f"{key}.{name}": inner
            for name, inner in node.items()
            if name != "_target_" and (repeats or key == "trainer" or name in keep or config.get(name) != inner)
        }
    return flat


def as_typed(value: Any, exact: bool = False) -> str:
    """A value as on the command line. Numbers have six significant digits, or all with ``exact``."""
    if isinstance(value, list | tuple):
        return f"[{','.join(as_typed(each, exact) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{name}:{as_typed(each, exact)}' for name, each in value.items())}}}"
    if isinstance(value, str) and value.startswith("["):
        return value.replace('"', "").replace(", ", ",")
    return f"{value:g}" if isinstance(value, float) and not exact else str(typed(value))


def hyperparameters(config: Mapping[str, Any]) -> Values:
    """The row of TensorBoard's HPARAMS tab: the effective values, without machine, cache and empty values."""
    idle = on_resume("no difference")
    hidden = {*idle, *(knob.name for knob in KNOBS.values() if not knob.hyperparameter)}
    return {
        name: value if isinstance(value, int | float) else clean(str(value))
        for name, value in effective(config).items()
        if value is not None and name not in hidden and name.rpartition(".")[2] not in idle
    }


def labels(config: Mapping[str, Any]) -> Values:
    """``name`` and ``tags`` of a configuration, which may be a stranger's: a text, and a list of texts."""
    name, tags = config.get("name"), config.get("tags")
    return {
        "name": name if isinstance(name, str) else "",
        "tags": [each for each in tags if isinstance(each, str)] if isinstance(tags, list) else [],
    }


def setting(config: Mapping[str, Any], fingerprint: str) -> Values:
    """The values by which a report groups runs: all effective values except seed and paths, and the pictures."""
    flat = effective(comparable(dict(config)), keep=OF_ITS_OWN)
    flat = {name: _plain(value) for name, value in flat.items() if name != "seed" and not name.endswith(".root")}
    if "palette" in flat:
        flat["palette"] = Path(str(flat["palette"])).name
    given = {"ckpt_path": "given"} if config.get("ckpt_path") else {}
    return {**flat, **given, PICTURES: fingerprint[:8] or "unknown"}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value, sort_keys=True)


def value_of(values: Values, name: str) -> Any:
    """The value of a knob in a setting; if it is missing, the default for configurations older than the knob."""
    if name in OPTIONAL:
        return values.get(name, option(None, name))
    if name in SEVERAL:
        return values.get(name, listed({}))
    group, _, last = name.rpartition(".")
    return values.get(name, _plain(before(group).get(last)))


def separating(settings: Sequence[Values], swept: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[str, ...], Values]:
    """Names that separate the settings, names that follow from those, and values that all settings share.

    Args:
        settings: as from ``setting``.
        swept: names that come first, with their position; then come other knobs, then values within options.
    """
    names = dict.fromkeys(name for values in settings for name in values)
    columns = {name: [json.dumps(value_of(values, name)) for values in settings] for name in names}
    differing = [name for name, column in columns.items() if len(set(column)) > 1]
    differing.sort(key=lambda name: (swept.get(name, len(swept)), name == PICTURES, "." in name))
    varied: list[str] = []
    for name in differing:
        known: dict[tuple[str, ...], str] = {}
        keys = list(zip(*(columns[other] for other in varied), strict=True)) or [()] * len(settings)
        news = any(known.setdefault(key, value) != value for key, value in zip(keys, columns[name], strict=True))
        if news or name in swept:
            varied.append(name)
    constant = {name: value_of(settings[0], name) for name in names if name not in differing} if settings else {}
    return tuple(varied), tuple(name for name in differing if name not in varied), constant


def run_names(configs: Sequence[dict[str, Any]]) -> list[str]:
    """A name for each run: its network, then the values that vary among the runs.

    Values inside an option, such as ``model.widths`` or ``loss.sigma``, are compared among the runs with the same
    option. If several values distinguish the same runs, as in ``resunet`` and ``resunet_small``, only the first is
    shown. A dotted key is cut to its last part, unless two different keys would become equal. Equal names are numbered.

    Args:
        configs: resolved configurations, as in checkpoints.
    """
    networks = [short_name(config["model"]) for config in configs]
    configs = [{**dict.fromkeys(config), **completed(comparable(config))} for config in configs]  # in its own order
    flats = [{name: as_typed(value, exact=True) for name, value in effective(config, repeats=True).items()}
             for config in configs]  # fmt: skip
    names = [" ".join([network, *_varying_words(run, configs, flats)]) for run, network in enumerate(networks)]
    counted, seen = Counter(names), Counter[str]()
    for number, name in enumerate(names):
        seen[name] += 1
        names[number] = f"{name} ({seen[name]})" if counted[name] > 1 else name
    return names


def _varying_words(run: int, configs: Sequence[Mapping[str, Any]], flats: Sequence[Mapping[str, str]]) -> list[str]:
    """``NAME=VALUE`` for each value that differs from any other configuration, without the network."""
    varying = {key for other in configs for key in _differing(configs[run], other)} - {"model"}
    seen, keys = set(), []
    for key, value in flats[run].items():
        node, inside, _ = key.partition(".")
        split = node, bool(inside), tuple(flat.get(key) == value for flat in flats)
        if key in varying and split not in seen:
            seen.add(split)
            keys.append(key)
    return list(dict.fromkeys(f"{_short(key, keys, flats)}={flats[run][key]}" for key in keys))


def _short(key: str, keys: Sequence[str], flats: Sequence[Mapping[str, str]]) -> str:
    """The last part of a key; the whole key if another key has the same last part and another value in some run."""
    last = key.rpartition(".")[2]
    same = [other for other in keys if other.rpartition(".")[2] == last]
    clear = all(len({flat[other] for other in same if other in flat}) <= 1 for flat in flats)
    return last if clear else key


def _differing(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Dotted keys in which two configurations differ; only the group for options with different targets."""
    found = []
    for key in own:
        first, second = own[key], other.get(key)
        if _target(first) != _target(second):
            found.append(key)
        else:
            found += [name for name, *_ in differences(key, first, second)]
    return found


def _target(value: Any) -> Any:
    return value.get("_target_") if isinstance(value, Mapping) else None
