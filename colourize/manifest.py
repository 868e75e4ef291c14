"""``run.json``: what a run folder says of itself."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAME = "run.json"


def read(folder: Path) -> dict[str, Any]:
    """The run's manifest; empty where the folder has none."""
    try:
        contents: dict[str, Any] = json.loads((folder / NAME).read_text())
        return contents
    except FileNotFoundError:
        return {}


def update(folder: Path, **entries: Any) -> None:
    """Adds entries to the run's manifest, plain values only; replaced as a whole, never half-written."""
    contents = json.dumps({**read(folder), **entries}, indent=1)
    temporary = folder / f".{NAME}.{os.getpid()}"
    temporary.write_text(contents)
    os.replace(temporary, folder / NAME)


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
