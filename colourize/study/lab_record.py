"""What an experiment's file states at its head: question, command, expected result."""

import re
from pathlib import Path

from colourize.config import conf_dir


def header(name: str) -> dict[str, str]:
    """``# Question  ...`` and the other entries of ``conf/experiment/NAME.yaml``; empty where there is no such file."""
    try:
        lines = (Path(conf_dir()) / "experiment" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines[1:]:
        if begins := re.match(r"# (\w+) {2,}(\S.*)", line):
            found[begins[1]] = begins[2]
        elif found and (goes_on := re.match(r"# {3,}(\S.*)", line)):
            found[list(found)[-1]] += " " + goes_on[1]
        else:
            break
    return found
