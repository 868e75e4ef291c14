"""The page of ``--help``: every knob below its heading, with its value and comment."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from colourize.config.folder import conf_dir, own
from colourize.config.knob import Knob, Option, typed
from colourize.config.knobs import KNOBS
from colourize.config.tasks import COLOURIZATION, TASKS

HEAD = """\
# Every knob with its default. Pass any knob as name=value: python train.py kernel=5
# An option's file refers to the knobs (kernel: ${kernel}); an experiment may set any of them.
"""
EXPERIMENT = Knob("experiment", None, Option, "a study or a setting by name, see conf/experiment/")


def page(task: str = COLOURIZATION) -> str:
    """The knobs of ``train`` for a task, as YAML with comments."""
    chosen = {group: name for entry in own("config.yaml")["defaults"] if isinstance(entry, dict)
              for group, name in entry.items()}  # fmt: skip
    chosen |= _of_task(task)
    chosen |= {name: value for name, value in own(f"data/{chosen['data']}.yaml").items() if name != "data"}
    headings: dict[str, list[Knob]] = {}
    for knob in KNOBS.values():
        if knob.task in ("", task):
            does = TASKS[task].comments.get(knob.name, knob.does)
            headings.setdefault(knob.heading, []).append(replace(knob, does=does))
    headings[KNOBS["model"].heading].append(EXPERIMENT)
    parts = [HEAD]
    for heading, knobs in headings.items():
        lines = [f"{knob.name}: {_typed(chosen.get(knob.name, knob.default))}  # {knob.comment}" for knob in knobs]
        parts.append("\n".join([f"# {heading}", *lines]) + "\n")
    return "\n".join(parts)


def _of_task(task: str) -> dict[str, Any]:
    """The defaults in a task's own file; of those that depend on the data source, all by its name."""
    values = own(f"task/{task}.yaml")
    options = {
        key.removeprefix("override /"): name for entry in values.pop("defaults", ()) for key, name in entry.items()
    }
    found = {name: re.search(r"\{(\w+:[^{}]*)\}\}$", str(value)) for name, value in values.items()}
    return options | {name: " or ".join(pairs[1].split(",")) if (pairs := found[name]) else value
                      for name, value in values.items()}  # fmt: skip


def _typed(value: Any) -> Any:
    return f"[{', '.join(value)}]" if isinstance(value, list) else typed(value)


def file_page(name: str) -> str:
    """A configuration file as a page: the text before the part for Hydra."""
    return (Path(conf_dir()) / name).read_text().partition("\nhydra:")[0]
