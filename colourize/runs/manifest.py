"""A run folder's manifest, ``run.json``, and its table of epochs, ``metrics.csv``."""

import csv
import json
import logging
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

from colourize import files
from colourize.errors import InputError, one_line
from colourize.runs import formats, queue

log = logging.getLogger(__name__)
NAME, EPOCHS = files.RUN, "metrics.csv"
LARGEST_TABLE, MOST_EPOCHS = 32 << 20, 100_000  # limits for reading metrics.csv: bytes, rows
TYPES: dict[str, Any] = {
    **dict.fromkeys(("config", "metrics", "environment", "refused"), dict),
    **dict.fromkeys(("overrides", "searchpath"), list),
    **dict.fromkeys(("status", "error", "start", "end", "host", "cwd", "fingerprint", "config_hash", "key"), str),
    **dict.fromkeys(("pid", "starts"), int), **dict.fromkeys(("pruned", "resumable"), bool), "job": str,
}  # fmt: skip
PLAIN = str, int, float, type(None)
INNER: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("overrides", "searchpath"), lambda words: all(isinstance(word, str) for word in words)),
    "metrics": lambda metrics: all(is_number(value) or value is None for value in metrics.values()),
    "key": lambda key: re.fullmatch("[0-9a-f]{32}", key) is not None,
    "job": lambda job: queue.JOB.fullmatch(job) is not None,
    "environment": lambda known: all(isinstance(value, PLAIN) for value in known.values()),
}
"""Checks of the values inside an entry."""
REFUSED: dict[str, Any] = {"status": "failed", "overrides": [], "error": ""}


def read(folder: Path) -> dict[str, Any]:
    """Reads the run's manifest. The result is empty if the file is missing or damaged; damage is logged.

    Null entries are left out. Entries with an unexpected type are left out and logged.
    """
    try:
        contents: Any = files.read_json(folder / NAME)
        if isinstance(contents, dict):
            return checked(_in_todays_form(contents, folder / NAME), folder / NAME)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        pass
    log.warning("%s is damaged and ignored", folder / NAME)
    return {}


def _in_todays_form(contents: dict[str, Any], file: Path) -> dict[str, Any]:
    """The entries with Python paths in place of stored names; a configuration with unknown names is left out."""
    number = contents.pop("format", 1)
    if "config" not in contents:
        return contents
    try:
        return {**contents, "config": formats.config(contents["config"], number, file)}
    except InputError as error:
        log.warning("%s", one_line(error))
        return {name: value for name, value in contents.items() if name != "config"}


def checked(entries: dict[str, Any], file: Path) -> dict[str, Any]:
    """The entries that are not null and have the right type; wrong types are logged."""
    kept = {}
    for key, value in entries.items():
        if isinstance(value, TYPES.get(key, object)) and INNER.get(key, _anything)(value):
            kept[key] = {**REFUSED, **checked(value, file)} if key == "refused" else value
        elif value is not None:
            log.warning("%s: %s is damaged and ignored", file, key)
    return kept


def write(folder: Path, **entries: Any) -> None:
    """Writes the manifest of plain values. NaN and infinities become null."""
    if isinstance(entries.get("config"), dict):
        entries = {**entries, **formats.written(entries["config"])}
    files.replace_text(folder / NAME, json.dumps(finite(entries), indent=1, allow_nan=False) + "\n")


def update(folder: Path, **entries: Any) -> None:
    """Adds entries to the run's manifest."""
    write(folder, **{**read(folder), **entries})


def note_failure(folder: Path, overrides: list[str], error: str) -> None:
    """Writes the error of a failed job of a sweep; below ``refused`` if the folder already contains a run."""
    if "config" in (stored := read(folder)):
        if (stored.get("status"), stored.get("overrides")) != ("failed", overrides):
            update(folder, refused={"overrides": overrides, "status": "failed", "error": error})
    else:
        write(folder, overrides=overrides, status="failed", error=error, end=now())


def epochs(folder: Path) -> list[dict[str, float]]:
    """Rows of the run's ``metrics.csv``, without empty cells. A damaged file gives no rows.

    Text that is not a number becomes NaN. Rows are left out if ``epoch`` is not an integer >= 0.
    """
    try:
        text = files.read_bytes(folder / EPOCHS, LARGEST_TABLE).decode()
        header, *lines = islice(csv.reader(text.splitlines()), MOST_EPOCHS + 1)
    except (OSError, ValueError, csv.Error):
        return []
    rows = [{name: _number(cell) for name, cell in zip(header, line, strict=False) if name and cell} for line in lines]
    return [row for row in rows if 0 <= row.get("epoch", -1) < MOST_EPOCHS and row["epoch"].is_integer()]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _anything(value: Any) -> bool:
    return True


def now() -> str:
    """The current time as ISO 8601 in UTC. Sorting the texts sorts the times."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def finite(value: Any) -> Any:
    """A copy for JSON: NaN and infinities become None, in dictionaries at any depth."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
