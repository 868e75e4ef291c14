"""Names for runs that are compared: the network, and what tells the runs apart, in the words that one types."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from colourize.config.compare import comparable, completed, differences, typed
from colourize.config.instantiate import short_name
from colourize.config.options import option


def run_names(configs: Sequence[dict[str, Any]]) -> list[str]:
    """A name for each run: its network, then what varies among all the runs.

    Values of a node, such as ``model.widths`` or ``loss.sigma``, are compared among the runs that have the same one;
    where several of them tell apart the same runs, as in ``resunet`` and ``resunet_small``, the first stands for all.
    A dotted key is cut to its last part, unless two that differ would then look the same. Runs that differ in nothing
    are numbered.

    Args:
        configs: resolved configurations, as checkpoints hold them.
    """
    networks = [short_name(config["model"]) for config in configs]
    configs = [{**dict.fromkeys(config), **completed(comparable(config))} for config in configs]  # in its own order
    names = [" ".join([name, *_told(config, configs)]) for name, config in zip(networks, configs, strict=True)]
    counted, seen = Counter(names), Counter[str]()
    for number, name in enumerate(names):
        seen[name] += 1
        names[number] = f"{name} ({seen[name]})" if counted[name] > 1 else name
    return names


def _told(own: Mapping[str, Any], configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The words ``NAME=VALUE`` by which a configuration differs from any of the others."""
    varying = {key for other in configs for key in _differing(own, other)}
    flats = [_flat(config) for config in configs]
    seen, keys = set(), []
    for key, value in _flat(own).items():
        node, inside, _ = key.partition(".")
        split = node, bool(inside), tuple(flat.get(key) == value for flat in flats)
        if key in varying and split not in seen:
            seen.add(split)
            keys.append(key)
    return list(dict.fromkeys(f"{_short(key, keys, flats)}={_flat(own)[key]}" for key in keys))


def _short(key: str, keys: Sequence[str], flats: Sequence[Mapping[str, str]]) -> str:
    """The last part of a key; the whole key where another one ends in it too, with another value in some run."""
    last = key.rpartition(".")[2]
    alike = [other for other in keys if other.rpartition(".")[2] == last]
    clear = all(len({flat[other] for other in alike if other in flat}) <= 1 for flat in flats)
    return last if clear else key


def _differing(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Dotted keys in which two configurations differ; of a node with another target that of the node alone."""
    found = []
    for key in own:
        first, second = own[key], other.get(key)
        if _target(first) != _target(second):
            found.append(key)
        else:
            found += [name for name, *_ in differences(key, first, second)]
    return found


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its dotted key, as one types it; a node's option by the node's, but for the network's."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            if key not in ("model", "trainer"):
                flat[key] = option(_target(value), key)
            flat |= {f"{key}.{name}": _typed(inner) for name, inner in value.items() if name != "_target_"}
        else:
            flat[key] = _typed(value)
    return flat


def _target(value: Any) -> Any:
    return value.get("_target_") if isinstance(value, Mapping) else None


def _typed(value: Any) -> str:
    return f"[{','.join(map(_typed, value))}]" if isinstance(value, list | tuple) else str(typed(value))
