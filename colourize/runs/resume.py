"""``resume=FOLDER``: the command that resumes a run or a sweep, and the overrides that it expands to."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colourize import files
from colourize.config.compare import by_key, key_of
from colourize.config.options import option
from colourize.config.quoting import quoted
from colourize.config.words import refusals, taken
from colourize.errors import InputError
from colourize.runs import manifest, run_folder

SWEEP = "sweep.json"
NEW_RUN = "ckpt_path", "experiment"
"""Knobs that decide how a new run starts. A resumed one would ignore them."""


def resume_command(program: str, folder: Path, own: bool = False) -> str:
    """The command that resumes a run or a sweep.

    Args:
        program: the first words of the command, such as "python train.py".
        folder: folder of the run or the sweep.
        own: whether this process ran it. Only then the command repeats overrides that a file must not contain, because
            such overrides of another person's folder must not be suggested. Otherwise it names an address that must be
            typed, but not which.
    """
    stored = manifest.read(folder)
    words = [
        *stored.get("overrides", []),
        *stored.get("searchpath", []),
        *sweep_of(folder).get("overrides", []),
    ]
    refused = list(dict.fromkeys(refusals(words)))
    if not own:
        refused = ["data.root=ADDRESS"] * any(key_of(word) == "data.root" for word in refused)
    return " ".join([program, *(shlex.quote(word) for word in (f"resume={folder}", *refused))])


def resumed(words: Sequence[str]) -> list[str]:
    """Replaces ``resume=FOLDER`` in a command line with the overrides that started the folder's run or sweep.

    The other overrides replace earlier ones; ``~NAME`` removes one. Overrides from the folder are checked
    (``config.words``), because anyone may have written them.

    Raises:
        InputError: the folder contains no run or sweep; an override names another folder, or is not allowed in a file.
    """
    given = [word for word in words if word.startswith("resume=")]
    if not given:
        return list(words)
    named = re.fullmatch(r"resume=(['\"]?)(.*)\1", given[-1])
    if named is None or not named[2].strip():
        raise InputError(
            f"{given[-1]} names no folder; pass resume=FOLDER, or resume=last for the newest interrupted run"
        )
    folder = files.expanded(named[2])
    if others := [word for word in words if re.match(r"hydra\.(run|sweep)\.dir=|--multirun$|-m$", word)]:
        raise InputError(f"{given[-1]} decides the folder and the mode; leave out {' '.join(others)}")
    stored, sweep = manifest.read(folder) if folder.is_dir() else {}, sweep_of(folder)
    place = quoted(folder.absolute())
    if stored.get("overrides") is not None:
        earlier, ours = (
            [*stored["overrides"], *stored.get("searchpath", [])],
            ["hydra.mode=RUN", f"hydra.run.dir={place}"],
        )
    elif sweep:
        earlier, ours = sweep["overrides"], ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={place}"]
    else:
        raise InputError(
            f"resume={folder} {_lack(folder)}; pass the folder of a run or a sweep: colourize runs lists them"
        )
    typed = by_key([word for word in words if word not in given])
    if others := [word for key, word in typed.items() if key in NEW_RUN and word not in earlier]:
        raise InputError(f"{given[-1]} continues from the folder's own checkpoint; leave out {' '.join(others)}")
    home = stored.get("cwd", sweep.get("cwd"))
    source = (
        option((stored.get("config", {}).get("data") or {}).get("_target_"), "data") if "config" in stored else None
    )
    found = by_key([*taken(earlier, typed, folder, None if home is None else Path(home), source), *ours])
    before = by_key(earlier)
    for key, word in typed.items():
        if not (word.startswith("~") and key in before):  # to remove an added override, we only do not add it again
            found[key] = "+" * (before.get(key, "").startswith("+") and not word.startswith(("+", "~"))) + word
    return list(found.values())


def sweep_of(folder: Path) -> dict[str, Any]:
    """``overrides`` and ``cwd`` of the sweep in a folder; empty without a sweep, or if its file is damaged."""
    try:
        stored = files.read_json(folder / SWEEP)
    except (OSError, ValueError):
        return {}
    stored = manifest.checked(stored, folder / SWEEP) if isinstance(stored, dict) else {}
    return stored if "overrides" in stored else {}


def _lack(folder: Path) -> str:
    if folder.is_file():
        return "is a file"
    if not folder.is_dir():
        return "does not exist"
    if run_folder.has_saved(folder):
        return f"contains checkpoints, but no {manifest.NAME} with the overrides of the run"
    return "contains no run or sweep"
