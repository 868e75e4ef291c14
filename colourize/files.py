"""Files that are there as a whole or not at all: the one place that replaces a file."""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from colourize.errors import InputError


def check_output(path: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Raises InputError, before anything is computed, where a file could not be written at the end.

    Args:
        path: the file, None where none is asked for.
        suffixes: of which the name must have one, such as ".png", in upper or lower case; none: any name will do.
    """
    if path is None:
        return
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path} is no picture's name; pass one that ends in {' or '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; pass a file's name, such as {path / ('out' + ''.join(suffixes[:1]))}")
    if path.exists() and not path.is_file():  # a device or a pipe would be replaced by a file
        raise InputError(f"{path} is no file; pass the name of one")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it, or pass another place")


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


def looked_at(path: Path) -> str:
    """The place that a relative path stands for, behind a message that names the path: ' (looked at /home/me/x)'."""
    return "" if path.is_absolute() else f" (looked at {printable(str(path.absolute()))})"


def printable(text: str) -> str:
    """A name as it is, or with escapes where it holds what a terminal would obey or cannot show."""
    return text if text.isprintable() else repr(text)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
