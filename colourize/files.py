"""Files that are there as a whole or not at all: the one place that replaces a file, and the one that reads small files
of strangers."""

import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from colourize.errors import InputError

TAG, SIGNATURE = "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"
OURS = "# Pictures and palettes kept by colourize; all of it can be made again."
ENTRY = re.compile(
    r"\.?(palette|folder|labels|floors)-[\w-]+\.(npy|json|lock)"
)  # of a cache from before there was a tag
NO_CACHE = (
    "%s names no cache of colourize, and a file does not say where we write: data/cache is used; type it to keep it"
)
LARGEST, LARGEST_YAML = 4 << 20, 256 << 10  # bytes; what a run writes is a hundredth of it
DEEPEST = 50  # levels of lists and dictionaries; a run writes about five
LONGEST = 20  # digits of a whole number: 64 bits


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """A small file that a stranger may have put there; a pipe, a device or a link to one is never waited for.

    Raises:
        OSError: no such file, or it cannot be opened.
        ValueError: not a regular file, or one of more than ``most`` bytes.
    """
    _check_regular(path, os.stat(path))
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        _check_regular(path, os.fstat(file.fileno()))
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path} has more than {most:,} bytes")
    return content


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is no regular file")


def read_json(path: Path) -> Any:
    """The value of a small JSON file, of at most 50 levels; a number may be infinite or NaN.

    Raises:
        OSError, ValueError: as ``read_bytes``; no JSON in UTF-8, nested deeper, or a whole number beyond 64 bits.
    """
    try:
        value = json.loads(read_bytes(path).decode(), parse_int=_whole_number)
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply") from None
    level = [value]
    for _ in range(DEEPEST):
        inner = (
            entry.values() if isinstance(entry, dict) else entry for entry in level if isinstance(entry, dict | list)
        )
        level = [each for entries in inner for each in entries]
    if level:
        raise ValueError(f"{path} is nested too deeply")
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


class _PlainLoader(yaml.SafeLoader):
    """Without aliases, by which a short file stands for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """The value of a small YAML file, with references (``${...}``) as the text that they are.

    Raises:
        OSError, ValueError: as ``read_bytes``; no YAML in UTF-8, or with aliases, or nested too deeply.
    """
    try:
        return yaml.load(read_bytes(path, LARGEST_YAML).decode(), _PlainLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path} is no plain YAML ({type(error).__name__})") from error


def check_no_links(paths: Iterable[Path]) -> None:
    """Raises InputError at the first symbolic link: whoever made it would choose what we write or delete elsewhere."""
    for path in paths:
        if path.is_symlink():
            raise InputError(
                f"{path} is a link to {os.readlink(path)}, and links are not followed to write or delete; put a file "
                "or folder of its own there, or pass another folder"
            )


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
    """Makes a folder for a cache, and marks one that holds nothing else (the Cache Directory Tagging Specification).

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if all(ENTRY.fullmatch(entry.name) for entry in folder.iterdir()):
        replace_text(folder / TAG, f"{SIGNATURE}\n{OURS}\n")


def is_cache(folder: Path) -> bool:
    """Whether a folder was made by ``make_cache``: one that a file may name as the place to write a cache."""
    try:
        return read_bytes(folder / TAG).startswith(f"{SIGNATURE}\n{OURS}".encode())
    except (OSError, ValueError):
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
    """``replace`` by a text in UTF-8; bytes of a name that is not UTF-8 as ``\\udcff``, which JSON reads back."""
    replace(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def expanded(path: str | Path) -> Path:
    """The path with ``~`` as the home folder; as it is where that names no user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def place(path: str | Path) -> Path:
    """The absolute place that a path stands for, links followed; as near to it as one gets where it is no path."""
    try:
        return expanded(path).resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, a link to itself
        return Path(os.path.abspath(os.path.expanduser(str(path).replace("\0", ""))))


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
