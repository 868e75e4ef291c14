"""What a run was set to, flat: the values by which a study tells its settings apart."""

import json
from pathlib import Path
from typing import Any

from colourize.config.compare import comparable, typed
from colourize.config.instantiate import short_name
from colourize.config.knobs import LATER, NODES, OPTIONAL
from colourize.config.options import option
from colourize.report.records import Record

PICTURES = "pictures"
"""Stands for the fingerprint of pictures and palette: the same ones may lie elsewhere, others at the same place."""
OWN = ("seed",)
"""Values of options that mean something else than the knob of that name: landscapes have a seed of their own."""
Values = dict[str, Any]


def values_of(record: Record) -> Values:
    """A run's knobs, its options, and of the options' own values those that do not repeat a knob; no seed, no paths."""
    config = comparable(record.config)
    flat: Values = {}
    for key, value in config.items():
        if key in NODES:
            flat[key] = short_name(value) if key == "model" else option((value or {}).get("_target_"), key)
            inner = {name: entry for name, entry in (value or {}).items() if name not in ("_target_", "root")}
            flat |= {
                f"{key}.{name}": _plain(entry)
                for name, entry in inner.items()
                if name in OWN or config.get(name) != entry
            }
        elif key == "trainer":
            flat |= {f"trainer.{name}": _plain(entry) for name, entry in value.items()}
        elif key == "palette":
            flat[key] = Path(str(value)).name
        elif key != "seed":
            flat[key] = _plain(value)
    if record.config.get("ckpt_path"):
        flat["ckpt_path"] = "given"
    return {**flat, PICTURES: record.fingerprint[:8] or "unknown"}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value, sort_keys=True)


def value_of(values: Values, name: str) -> Any:
    """A setting's value; where it has none, that which always held before the knob came."""
    before = option(None, name) if name in OPTIONAL else _plain(LATER.get(name.rpartition(".")[2]))
    return values.get(name, before)


def shown(value: Any, exact: bool = False) -> str:
    """A value as one types it, a number to six digits or to all of them."""
    if isinstance(value, str) and value.startswith("["):
        return value.replace('"', "").replace(", ", ",")
    return f"{value:g}" if isinstance(value, float) and not exact else str(typed(value))
