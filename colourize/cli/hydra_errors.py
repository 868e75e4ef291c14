"""Errors of Hydra and OmegaConf on one line, in terms of the command line."""

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from colourize.config import trainer_knobs
from colourize.config.compose import AMBIGUOUS
from colourize.config.folder import conf_dir
from colourize.config.knob import Several
from colourize.config.knobs import KNOBS
from colourize.errors import InputError, one_line

OF_HYDRA = HydraException, OmegaConfBaseException
OF_THE_USER = InputError, OSError, *OF_HYDRA
"""Errors that the user can correct; any other is a bug."""
WRONG_TYPE = re.compile(r"Value '(.*?)'(?: of type '\w+')? could not be converted to (\w+)\s+full_key: (\S+)")
KINDS = {"Integer": "an integer", "Float": "a number", "Boolean": "true or false"}
NO_OPTION = re.compile(r"Could not find '([\w/]+)/(\S*)'\s+Available options in '[\w/]+':\s+(.*)", re.S)
NO_OPTION_IN_LIST = re.compile(r"Could not load '(\w+)/(\S+)'\.")
NO_LIST = re.compile(r"is not a ListConfig, list or tuple\.?\s+full_key: (\w+)")
NOISE = re.compile(r"To append to your config use \S+|Config search path: .*|See https://hydra\.cc\S+|\^")
LISTS = {"classes"}
"""Knobs of several forms, one of which is a list."""
FRAME = re.compile(r"Could not override '\S+'\.|Error merging override \S+")
TO_QUOTE = " Pass NAME=VALUE, and quote characters that are special to Hydra: \"data.root='~/my pictures'\""
Names = Callable[[], Iterable[str]]


def with_cause(error: BaseException, knobs: Names | None = None) -> str:
    """An error's text, followed by that of its cause if OmegaConf raised it."""
    if not isinstance(cause := error.__cause__, OmegaConfBaseException):
        return text_of(error, knobs)
    return " ".join(filter(None, [FRAME.sub("", text_of(error, knobs)), text_of(cause, knobs)]))


def text_of(error: BaseException, knobs: Names | None = None) -> str:
    """An error's text on one line; for Hydra's errors only the useful part, with the nearest known name.

    Args:
        error: any error.
        knobs: returns the known names; by default those of training.
    """
    text = one_line(error)
    if isinstance(error, OF_HYDRA) and (line := trainer_knobs.explained(text)):
        return line
    if isinstance(error, OverrideParseException) and (line := _no_pair(error.override)):
        return line
    if isinstance(error, HydraException):
        text = NOISE.sub("", text)
        if isinstance(error, OverrideParseException):
            text += TO_QUOTE
    if several := AMBIGUOUS.search(text):
        return _several(*several[1].partition("=")[::2])
    text = WRONG_TYPE.sub(_wrong_type, text)
    if missing := NO_OPTION.search(text):
        return _no_option(missing[1], missing[2], missing[3].split())
    if missing := NO_OPTION_IN_LIST.search(text):
        return _no_option(
            missing[1], missing[2], sorted(file.stem for file in (Path(conf_dir()) / missing[1]).iterdir())
        )
    if no_list := NO_LIST.search(text):
        return f"{no_list[1]} must be a list; pass {no_list[1]}=[one,another]"
    if unknown := re.search(r"Key '(\w+)' (?:not in|is not in)", text):
        text += _nearest(unknown[1], text, knobs)
    text = re.sub(r"Key '\w+' (?:is )?not in (?:'\w+'|struct)\s+full_key: (\S+?)(;|\s|$)", r"\1 is not a knob\2", text)
    return " ".join(re.sub(r"object_type=\w+", "", text).split()).replace(" ;", ";")


def _no_pair(word: str) -> str:
    """The line for a word that is not NAME=VALUE; empty if its value is to blame."""
    return "" if "=" in word or word.startswith("~") else f"{word} has no value; pass {word}=VALUE"


def _wrong_type(found: re.Match[str]) -> str:
    knob = KNOBS.get(found[3])
    got = found[1] or ("nothing" if knob is None else f"nothing; {knob.remedy}")
    return f"{found[3]} must be {KINDS.get(found[2], found[2])}, got {got}"


def _several(name: str, values: str) -> str:
    knob = KNOBS.get(name)
    as_list = f"{name}=[{values}] for a list, " if knob is None or knob.kind in (list, Several) or name in LISTS else ""
    remedy = f"pass {as_list}--multirun for one run each, or \"{name}='{values}'\" for text"
    return f"{name}={values} has several values; {remedy}"


def _no_option(group: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{group}={name} is unknown; {guess}pass one of {', '.join(known)}"


def _nearest(name: str, text: str, knobs: Names | None) -> str:
    """A suggestion for an unknown name; for a value inside an option of training, the folder of its options."""
    within = knobs is None and re.search(r"full_key: (\w+)\.\w", text)
    known = _of_options(within[1]) if within else list((knobs or training_knobs)())
    if (close := difflib.get_close_matches(name, known, 1)) and close != [name]:
        return f"; did you mean {within[1] + '.' if within else ''}{close[0]}?"
    return f"; conf/{within[1]}/ lists the values of each option" if within else "; --help lists the knobs"


def _of_options(group: str) -> list[str]:
    """The names that the options of a group take."""
    options = (OmegaConf.load(file) for file in Path(conf_dir(), group).glob("*.yaml"))
    return sorted({str(key) for each in options if isinstance(each, DictConfig) for key in each.get(group) or ()})


def training_knobs() -> list[str]:
    """The names of the knobs of ``colourize train``."""
    return list(KNOBS)
