"""Paths as values for Hydra."""

import re
from pathlib import Path


def quoted(path: str | Path) -> str:
    """A path as a quoted value for Hydra, in which a backslash is special only before a quote."""
    return "'" + re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), str(path)) + "'"


def word(name: str, path: str | Path) -> str:
    """``name=path`` for a command line of Hydra, quoted only if the path has special characters."""
    plain = re.fullmatch(r"[-+.:/ \w]+", str(path), re.ASCII)
    return f"{name}={path if plain else quoted(path)}"
