"""Files that are there as a whole or not at all: the one place that replaces a file."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO


def replace(path: Path, write: Callable[[BinaryIO], Any], before: Callable[[], None] = lambda: None) -> None:
    """Puts what ``write`` writes in the place of a file: who dies at any moment leaves the old file or the new one.

    The temporary file lies in the same folder, because a rename over a file system's border is a copy; it is on disk
    before it gets the name. ``before`` is called between the two. Processes and threads may do so at the same time.

    Raises:
        OSError: no room, or a folder that cannot be written; nothing partial is left.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before()
        os.replace(temporary, path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def replace_text(path: Path, text: str) -> None:
    """``replace`` by a text in UTF-8."""
    replace(path, lambda file: file.write(text.encode()))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
