"""Checks overrides from a file, ``run.json`` or ``sweep.json``, for ``resume=``.

The user may type any override. A file may only set knobs, choose options of ours, and configure the launcher and the
sweeper. It must not name code, configuration files or a place to write. Relative paths to read are relative to the
directory in which the run was started.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, QuotedString, RangeSweep
from hydra.errors import HydraException

from colourize import files
from colourize.config import parts
from colourize.config.compare import key_of, respelt
from colourize.config.folder import conf_dir, own
from colourize.config.knobs import KNOBS, NODES, SEVERAL
from colourize.config.quoting import quoted
from colourize.errors import InputError, shown
from colourize.private.hydra import value_of

log = logging.getLogger(__name__)
GROUPS = *NODES, *SEVERAL, "task", "experiment", "debug"
SCALARS = set(KNOBS) - {*NODES, *SEVERAL, "resume", "trainer", "task", "debug"}
CHOICES = {"hydra/launcher": ("basic", "joblib"), "hydra/sweeper": ("basic", "optuna")}
NUMBERS = {"hydra.launcher.n_jobs", *(f"hydra.sweeper.{name}" for name in
           ("n_trials", "seed", "random_trials", "prune_after", "max_batch_size"))}  # fmt: skip
LEFT_OUT = "data.download", "hydra.mode", "hydra.run.dir", "hydra.sweep.dir"
"""Overrides that ``resume=`` itself sets."""
CACHES = "cache_dir", "data.cache_dir"
"""Places to write: left out unless they already contain one of our caches. This does not change results."""
READ = "data.root", "palette", "ckpt_path"
KNOB = rf"\$\{{({'|'.join(sorted(SCALARS))}|model\._target_)\}}"
REFERENCE = re.compile(rf"{KNOB}|\$\{{(?:colourize\.)?(?:scaled|per_network):([^${{}}\\]|{KNOB}|\{{[^${{}}\\]*\}})*\}}")
"""Allowed references: other knobs, and two resolvers of colourize (without the prefix in older runs).

Other resolvers are refused: ``${oc.env:...}`` would read the environment.
"""
NAME = r"[A-Za-z]\w*"  # of a value inside an option; names with a leading underscore are instructions to Hydra
MOST_JOBS = 10_000
LONGEST = 4096  # characters of an override; ours have at most a few hundred
ARCHIVE = "cifar-10-batches-py"


def taken(
    words: Sequence[str], typed: Mapping[str, str], folder: Path, home: Path | None, source: str | None
) -> list[str]:
    """The overrides of a file that apply to its run or sweep.

    Args:
        words: overrides of the file.
        typed: overrides of the command line, by key (``compare.key_of``). They replace the file's and are not checked.
        folder: folder of the run or the sweep, for messages.
        home: the directory in which it was started, for relative paths; None if unknown.
        source: the name of its data source; None to take it from the overrides.

    Raises:
        InputError: an override is not allowed in a file.
    """
    kept: list[str] = []
    elsewhere = home if home is not None and files.place(home) != Path.cwd() else None
    left = [respelt(word) for word in words if key_of(word) not in {*typed, *LEFT_OUT}]
    if refused := refusals(left):
        raise InputError(
            f"resume={folder}: its file contains {', '.join(shown(word, 120) for word in refused[:5])}, but a file may "
            "only set knobs and choose options of colourize; if these are your own, type them in addition to resume="
        )
    for word in left:
        override = OverridesParser.create().parse_override(word)
        kept += _placed(override, elsewhere) if override.key_or_group in (*CACHES, *READ) else [word]
    return kept + _archive(kept, typed, elsewhere, source)


def refusals(words: Sequence[str]) -> list[str]:
    """The overrides that are not allowed in a file. The user must type them again."""
    return [word for word in words if key_of(word) not in LEFT_OUT and not _is_harmless(word)]


def _is_harmless(word: str) -> bool:
    try:
        return len(word) <= LONGEST and _allowed(OverridesParser.create().parse_override(word))
    except (HydraException, RecursionError):  # not an override
        return False


def _allowed(override: Override) -> bool:
    """Whether an override, as Hydra parses it, only sets a knob, an option, the launcher or the sweeper."""
    key, values = override.key_or_group, list(_elements(override))
    form = parts.PART if key in parts.KNOBS_OF_PARTS else NAME
    if override.package is not None or not all(_is_plain(value, form) for value in values):
        return False
    if key in SEVERAL:
        values = [name for value in values for name in (value if isinstance(value, list) else [value])]
    if key in GROUPS or (key == "trainer" and all(isinstance(value, str) for value in values)):
        return all(_is_option(key, value) for value in values) or (override.is_delete() and values == [None])
    if key in CHOICES:
        return all(value in CHOICES[key] for value in values)
    if key in NUMBERS:
        return all(type(value) is int and -1 <= value <= MOST_JOBS for value in values)
    if key == "data.root" and any("://" in str(value) for value in values):
        return False  # the address of a store: a file must not choose whom this machine asks
    head, *inner = key.split(".")
    known = key in SCALARS or key == "trainer" or (head in (*NODES, "callbacks", "trainer") and inner)
    return bool(known) and all(re.fullmatch(NAME, part) for part in inner)


def _elements(override: Override) -> Iterator[Any]:
    """The value of an override, or all values of a sweep, without Hydra's quotes and escapes."""
    value = value_of(override)
    for element in value.list if isinstance(value, ChoiceSweep) else [value]:
        yield element.text if isinstance(element, QuotedString) else element


def _is_plain(value: Any, form: str = NAME) -> bool:
    """Whether a value contains no instruction to Hydra or OmegaConf: no ``_target_``, only allowed references.

    Args:
        value: the value, as Hydra parses it.
        form: regular expression of the keys of a dictionary; those of inner ones are names.
    """
    match value:
        case QuotedString():
            return _is_plain(value.text)
        case str():
            return "\0" not in value and ("$" not in value or bool(REFERENCE.fullmatch(value)))
        case dict():
            keys = [key.text if isinstance(key, QuotedString) else str(key) for key in value]
            return all(re.fullmatch(form, key) for key in keys) and all(map(_is_plain, value.values()))
        case list():
            return all(map(_is_plain, value))
        case RangeSweep(start=start, stop=stop, step=step):
            return start is not None and stop is not None and abs(stop - start) <= MOST_JOBS * abs(step)
        case _:
            return value is None or isinstance(value, bool | int | float | IntervalSweep)


def _is_option(group: str, value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[\w-]+", value)) and (
        Path(conf_dir()) / group / f"{value}.yaml"
    ).is_file()  # fmt: skip


def _placed(override: Override, home: Path | None) -> list[str]:
    """An override with relative paths made relative to ``home``; empty for a cache folder without our cache."""
    word, values = override.input_line or "", [str(value) for value in _elements(override)]
    places = [(home or Path()) / files.expanded(value) for value in values]
    if override.key_or_group in CACHES and not all(map(files.is_cache, places)):
        log.warning(files.NO_CACHE, shown(word, 120))
        return []
    if home is None or values == ["kmeans"]:
        return [word]
    return [f"{word.partition('=')[0]}=" + ",".join(map(quoted, places))]


def _archive(kept: Sequence[str], typed: Mapping[str, str], home: Path | None, source: str | None) -> list[str]:
    """Overrides that read CIFAR-10 from its place, and do not download it to a place that only a file names.

    Raises:
        InputError: a sweep over CIFAR-10 and other sources, with a folder that the file names.
    """
    found = {**{key_of(word): word for word in kept}, **typed}
    sources = _sources(found.get("data"))
    # the user's experiment may choose another source, so we use the run's own
    if "experiment" in typed and "data" not in found and source is not None:
        sources = {source}
    if "cifar10" not in sources or "data.root" in typed or "data.download" in typed:
        return []
    root = home / own("data/cifar10.yaml")["data"]["root"] if home is not None else None
    if "data.root" not in found:
        there = root is not None and (root / ARCHIVE).is_dir() and len(sources) == 1
        return [f"data.root={quoted(root)}", "+data.download=false"] if root is not None and there else []
    if len(sources) > 1:
        raise InputError(
            f"{shown(found['data.root'])}: a file must not name a place to download to; type it in addition to resume="
        )
    return ["+data.download=false"]


def _sources(word: str | None) -> set[Any]:
    """The data sources of an override, as Hydra parses it; CIFAR-10 for None."""
    if word is None:
        return {"cifar10"}
    try:
        return set(_elements(OverridesParser.create().parse_override(word)))
    except (HydraException, TypeError):  # typed by the user; Hydra will refuse it
        return set()
