"""The output folder of a preparation: the check at the start, ``prepared.json``, and the pages at the end."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colourize import files
from colourize.data.preparation import pages
from colourize.data.preparation.examined import KEPT, Outcome
from colourize.data.preparation.floor import MOST_TRAIN, MOST_VALIDATION, floors, small_squares
from colourize.data.preparation.settings import Settings
from colourize.data.preparation.splits import SPLITS, TRAIN, VALIDATION
from colourize.data.preparation.summary import FORMAT
from colourize.errors import InputError, shown

JSON, LIST, STAGING, LOCK = "prepared.json", "pictures.jsonl", ".preparing", ".lock"


def check(out: Path, root: Path, settings: Settings) -> None:
    """Checks that a preparation may write into a folder, without changing it.

    Raises:
        InputError: it is a file, contains other files, or was prepared with other settings or by a newer version.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"-o {out} is a file; pass a folder")
    if out.exists():
        files.check_output(out / LOCK)  # a lock on a pipe would wait forever
    if not out.exists() or {entry.name for entry in out.iterdir()} <= {LOCK}:
        return
    files.check_no_links([out / name for name in (*SPLITS, JSON, LIST, STAGING, LOCK)])
    before = _read(out)
    if not before:
        raise InputError(f"-o {out} contains other files; pass a new or an empty folder")
    if before["format"] != FORMAT:
        raise InputError(
            f"{out / JSON} has format {shown(before['format'])}, this version {FORMAT}; pass another folder"
        )
    if before.get("source") != str(files.place(root)):
        raise InputError(f"{out} was prepared from {shown(before.get('source'))}, not {root}; pass another folder")
    old = before["settings"]
    for name, value in settings.named().items():
        if name not in old or old[name] != value:
            was = shown(old.get(name))
            raise InputError(
                f"{out} was prepared with {name} {was}, not {value}; pass the same value, or another folder"
            )


def remove_stale(out: Path) -> None:
    """Removes the temporary files that a killed preparation left in the folder (``files.remove_stale``)."""
    files.remove_stale(out / name for name in (JSON, LIST, pages.PAGE, pages.SAMPLES, pages.LEFT_OUT))


def begin(out: Path, root: Path, settings: Settings) -> None:
    """Marks the folder as the output of a preparation, unless it is already marked."""
    if not _read(out):
        _write(out, root, settings, {"status": "unfinished"})


def finished(out: Path) -> dict[str, Any] | None:
    """The content of ``prepared.json`` of a finished preparation; None if the preparation is not finished."""
    before = _read(out)
    return before if before.get("status") == "finished" else None


def finish(
    out: Path, root: Path, settings: Settings, outcomes: Sequence[Outcome], figures: dict[str, Any]
) -> dict[str, Any]:
    """Adds the floors to the figures, writes the pages and then ``prepared.json``; returns its content."""
    kept = sorted((each for each in outcomes if each.state == KEPT), key=lambda each: each.file.content)
    squares = [
        small_squares(out, [each.written for each in kept if each.split == split], most)
        for split, most in ((TRAIN, MOST_TRAIN), (VALIDATION, MOST_VALIDATION))
    ]
    train, validation = squares
    figures["floors"] = floors(train, validation) if len(train) and len(validation) else {}
    pages.write(out, root, settings, outcomes, figures)
    return _write(out, root, settings, {"status": "finished", **figures})


def _read(out: Path) -> dict[str, Any]:
    """The content of ``prepared.json``; {} if the file is missing or not ours."""
    try:
        found = files.read_json(out / JSON)
    except (OSError, ValueError):
        return {}
    ours = isinstance(found, dict) and "format" in found and isinstance(found.get("settings"), dict)
    return found if ours else {}


def _write(out: Path, root: Path, settings: Settings, values: dict[str, Any]) -> dict[str, Any]:
    content = {"format": FORMAT, "source": str(files.place(root)), "settings": settings.named(), **values}
    files.replace_text(out / JSON, json.dumps(content, indent=1) + "\n")
    return content
