"""``run.json``: what a run folder says of itself."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colourize import files

NAME = "run.json"


def read(folder: Path) -> dict[str, Any]:
    """The run's manifest; empty where the folder has none."""
    try:
        contents: dict[str, Any] = json.loads((folder / NAME).read_text())
        return contents
    except FileNotFoundError:
        return {}


def write(folder: Path, **entries: Any) -> None:
    """Makes the entries the run's manifest: plain values, a number without a value as null."""
    plain = {key: _finite(value) for key, value in entries.items()}
    files.replace_text(folder / NAME, json.dumps(plain, indent=1, allow_nan=False) + "\n")


def update(folder: Path, **entries: Any) -> None:
    """Adds entries to the run's manifest."""
    write(folder, **{**read(folder), **entries})


def note_failure(folder: Path, overrides: list[str], error: str) -> None:
    """Notes a job of a sweep that could not be begun; the manifest of a run that the folder holds stays beside it."""
    if read(folder).get("overrides", overrides) == overrides:
        update(folder, overrides=overrides, status="failed", error=error, end=now())
    else:
        update(folder, refused={"overrides": overrides, "status": "failed", "error": error})


def now() -> str:
    """The time as ISO 8601 in UTC; as text, later is greater."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
