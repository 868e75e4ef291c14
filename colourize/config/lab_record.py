"""Reads the header of an experiment file: question, command, expected result."""

import re
from collections.abc import Sequence
from pathlib import Path

from colourize import files
from colourize.config.folder import conf_dir
from colourize.config.plain_yaml import read_yaml


def header(name: str, folders: Sequence[Path] = ()) -> dict[str, str]:
    """``# Question  ...`` and the other entries of ``experiment/NAME.yaml``; empty if there is no such file.

    Args:
        name: name of the experiment.
        folders: folders of its runs; the first ``hydra.yaml`` in them gives Hydra's search path.
    """
    settings = (file for folder in folders if (file := folder / ".hydra/hydra.yaml").is_file())
    homes = [Path(conf_dir()), *_searched(next(settings, Path()))]
    pages = [home / "experiment" / f"{name}.yaml" for home in homes]
    try:
        text = files.read_bytes(next(page for page in pages if page.is_file())).decode()
    except (StopIteration, OSError, ValueError):
        return {}
    found: dict[str, str] = {}
    for line in text.splitlines():
        if begins := re.match(r"# (\w+) {2,}(\S.*)", line):
            found[begins[1]] = begins[2]
        elif found and (continued := re.match(r"# {3,}(\S.*)", line)):
            found[list(found)[-1]] += " " + continued[1]
        elif found or not re.match(r"\s*(# @|$)", line):
            break
    return found


def _searched(file: Path) -> list[Path]:
    """The folders of Hydra's search path in a run's ``hydra.yaml``; empty if it is damaged."""
    try:
        runtime = read_yaml(file)["hydra"]["runtime"]
        return [Path(runtime["cwd"], each["path"]) for each in runtime["config_sources"] if each["schema"] == "file"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
