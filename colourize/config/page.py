"""The page of ``--help``: every knob below its heading, with its value and comment."""

from pathlib import Path
from typing import Any

from colourize.config.folder import conf_dir, own
from colourize.config.knob import Knob, Option, typed
from colourize.config.knobs import KNOBS

HEAD = """\
# Every knob with its default. Pass any knob as name=value: python train.py kernel=5
# An option's file refers to the knobs (kernel: ${kernel}); an experiment may set any of them.
"""
EXPERIMENT = Knob("experiment", None, Option, "a study or a setting by name, see conf/experiment/")


def page() -> str:
    """The knobs of ``train``, as YAML with comments."""
    chosen = {group: name for entry in own("config.yaml")["defaults"] if isinstance(entry, dict)
              for group, name in entry.items()}  # fmt: skip
    headings: dict[str, list[Knob]] = {}
    for knob in KNOBS.values():
        headings.setdefault(knob.heading, []).append(knob)
    headings[KNOBS["model"].heading].append(EXPERIMENT)
    parts = [HEAD]
    for heading, knobs in headings.items():
        lines = [f"{knob.name}: {_typed(chosen.get(knob.name, knob.default))}  # {knob.comment}" for knob in knobs]
        parts.append("\n".join([f"# {heading}", *lines]) + "\n")
    return "\n".join(parts)


def _typed(value: Any) -> Any:
    return f"[{', '.join(value)}]" if isinstance(value, list) else typed(value)


def file_page(name: str) -> str:
    """A configuration file as a page: the text before the part for Hydra."""
    return (Path(conf_dir()) / name).read_text().partition("\nhydra:")[0]
