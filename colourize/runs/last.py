"""``resume=last``: the newest interrupted run in ``outputs/``."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from colourize.errors import InputError
from colourize.runs import listing, resume

HOME = Path("outputs")
LAST = re.compile(r"resume=(['\"]?)last\1")


def named(words: Sequence[str]) -> list[str]:
    """Replaces ``resume=last`` in a command line with ``resume=FOLDER``, and prints which folder.

    A folder that is called ``last`` is ``resume=./last``.

    Raises:
        InputError: no run in ``outputs/`` was interrupted or killed.
    """
    if not any(LAST.fullmatch(word) for word in words):
        return list(words)
    folder = newest()
    print(f"colourize: resume=last is resume={folder}", file=sys.stderr)
    return [f"resume={folder}" if LAST.fullmatch(word) else word for word in words]


def newest() -> Path:
    """The folder of the newest run in ``outputs/`` that was interrupted or killed; that of its sweep, if it has one.

    Raises:
        InputError: no run can be resumed. A failed run is named, because usually it would fail again.
    """
    runs = listing.found([HOME]) if HOME.is_dir() else []
    for run in reversed(runs):
        if run.state in listing.RESUMABLE:
            folder = Path(run.folder)
            return folder.parent if resume.sweep_of(folder.parent) else folder
    failed = [run.folder for run in runs if run.state == "failed"]
    other = f"; the newest failed one is {failed[-1]}" if failed else ""
    raise InputError(
        f"resume=last: {HOME} must contain an interrupted run{other}; pass resume=FOLDER, colourize runs lists them"
    )
