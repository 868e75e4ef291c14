"""What an experiment's file states at its head: question, command, expected result."""

import re
from collections.abc import Sequence
from pathlib import Path

from colourize import files
from colourize.config.folder import conf_dir


def header(name: str, folders: Sequence[Path] = ()) -> dict[str, str]:
    """``# Question  ...`` and the other entries of ``experiment/NAME.yaml``; empty where there is no such file.

    Args:
        folders: of runs that chose it: the first that says where Hydra looked (``hydra.searchpath``) is believed.
    """
    said = (file for folder in folders if (file := folder / ".hydra/hydra.yaml").is_file())
    homes = [Path(conf_dir()), *_searched(next(said, Path()))]
    pages = [home / "experiment" / f"{name}.yaml" for home in homes]
    try:
        text = files.read_bytes(next(page for page in pages if page.is_file())).decode()
    except (StopIteration, OSError, ValueError):
        return {}
    found: dict[str, str] = {}
    for line in text.splitlines():
        if begins := re.match(r"# (\w+) {2,}(\S.*)", line):
            found[begins[1]] = begins[2]
        elif found and (goes_on := re.match(r"# {3,}(\S.*)", line)):
            found[list(found)[-1]] += " " + goes_on[1]
        elif found or not re.match(r"\s*(# @|$)", line):
            break
    return found


def _searched(file: Path) -> list[Path]:
    """Folders among which Hydra found a run's options, from its ``hydra.yaml``; none from a damaged one."""
    try:
        runtime = files.read_yaml(file)["hydra"]["runtime"]
        return [Path(runtime["cwd"], each["path"]) for each in runtime["config_sources"] if each["schema"] == "file"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
