"""Which values a group of options takes: a name, or several such as ``logger=[tensorboard,csv]``."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from colourize.config.folder import conf_dir
from colourize.config.knob import typed
from colourize.config.knobs import SEVERAL
from colourize.config.quoting import quoted
from colourize.errors import InputError, shown

LISTS = {*SEVERAL, "experiment"}
LIST = re.compile(r"\+*(\w+)=\[(.*)\]")
UNDECODED, UNQUOTED = re.compile("[\udc80-\udcff]"), re.compile(r"([^=]+)=([^'\"\[{].*)", re.S)
CHOICE = re.compile(r"\+*(\w+)=(.+)", re.S)


def normalised(words: Iterable[str]) -> list[str]:
    """Overrides, rewritten for groups that Hydra's defaults list has, and for names that are not UTF-8.

    ``+experiment=resunet`` becomes ``experiment=resunet``, and ``~logger`` becomes ``logger=none``. A value with bytes
    that are not UTF-8 is quoted, because Hydra's parser takes them only in quotes.

    Raises:
        InputError: an override has no name; a value of a group is not a name, or it is a list from which Hydra would
            silently take only one name, or not all.
    """
    return [_normalised(word) for word in words]


def _normalised(word: str) -> str:
    if re.match(r"[+~]*=", word):
        raise InputError(f"{word} has no name; pass NAME{word.lstrip('+~')}")
    if word[:1] == "~" and word[1:] in SEVERAL:
        return f"{word[1:]}=none"
    if UNDECODED.search(word) and (odd := UNQUOTED.fullmatch(word)):
        return f"{odd[1]}={quoted(odd[2])}"
    if not (found := CHOICE.fullmatch(word)) or not Path(conf_dir(), found[1]).is_dir():
        return word
    _check_names(found[1], word)
    if listed := LIST.fullmatch(word):
        _check_list(*listed.groups())
    return word.lstrip("+")


def _check_list(group: str, options: str) -> None:
    names = [name.strip() for name in options.split(",")]
    if group not in LISTS:
        raise InputError(f"{group} takes one option, got {group}=[{options}]; pass {group}={names[0]}")
    if "none" in names and len(names) > 1:
        raise InputError(f"none stands alone, got {group}=[{options}]; pass {group}=none or leave none out")


def _check_names(group: str, word: str) -> None:
    """Raises InputError for null, a number or a dictionary, because Hydra's own message does not name the group."""
    try:
        values: Any = list(_elements(OverridesParser.create().parse_override(word).value()))
    except HydraException:  # its message is explained where Hydra raises it
        return
    wrong = [value for value in values if value is None or isinstance(value, bool | int | float | dict)]
    if not wrong:
        return
    known = sorted(file.stem for file in Path(conf_dir(), group).glob("*.yaml"))
    without = "none" if "none" in known else ""
    remedy = f"pass {group}={without}" if without and wrong[0] is None else f"pass one of {', '.join(known)}"
    default = ", or leave it out" if wrong[0] is None else ""
    raise InputError(f"{group} must be the name of an option, got {shown(str(typed(wrong[0])))}; {remedy}{default}")


def _elements(value: Any) -> Iterable[Any]:
    """A value, or those of a list or of a sweep over a list, also nested."""
    inner = getattr(value, "list", value)
    if not isinstance(inner, list):
        yield inner
        return
    for each in inner:
        yield from _elements(each)
