"""Files that are there as a whole or not at all: the one place that replaces a file."""

import io
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from colourize.errors import InputError

TAG, SIGNATURE = "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"


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


def make_cache(folder: Path) -> None:
    """Makes a folder for a cache, and marks a new or empty one as such (the Cache Directory Tagging Specification).

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        replace_text(
            folder / TAG, f"{SIGNATURE}\n# Pictures and palettes kept by colourize; all of it can be made again.\n"
        )


def is_cache(folder: Path) -> bool:
    """Whether a folder was made by ``make_cache``: one that a file may name as the place to write a cache."""
    tag = folder / TAG
    try:
        with tag.open("rb") if tag.is_file() else io.BytesIO() as file:  # a pipe would be waited for
            return file.read(len(SIGNATURE)) == SIGNATURE.encode()
    except OSError:
        return False


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
