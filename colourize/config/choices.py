"""Which groups of options take several, such as ``logger=[tensorboard,csv]``."""

import re
from collections.abc import Iterable
from pathlib import Path

from colourize.config.folder import conf_dir
from colourize.config.knobs import SEVERAL
from colourize.errors import InputError

LISTS = {*SEVERAL, "experiment"}
LIST = re.compile(r"\+*(\w+)=\[(.*)\]")


def check(words: Iterable[str]) -> None:
    """Raises InputError for a list of options of which Hydra would silently take only the last, or not all."""
    for group, options in (found.groups() for word in words if (found := LIST.fullmatch(word))):
        names = [name.strip() for name in options.split(",")]
        if group in LISTS and "none" in names and len(names) > 1:
            raise InputError(f"none stands alone, got {group}=[{options}]; pass {group}=none or leave none out")
        if group not in LISTS and Path(conf_dir(), group).is_dir():
            raise InputError(f"{group} takes one option, got {group}=[{options}]; pass {group}={names[0]}")
