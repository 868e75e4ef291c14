"""Files: atomic replacement, and safe reading of small files from unknown sources."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO  # Any: the value of a JSON file

from colourize.errors import InputError

TAG, SIGNATURE = "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"
OURS = "# Pictures and palettes kept by colourize; all of it can be made again."  # fixed: files of all versions have it
ENTRY = re.compile(r"\.?(palette|folder|labels|floors)-[\w-]+\.(npy|json|lock)")  # a cache of a version without tags
NO_CACHE = (
    "%s is not a cache of colourize, and a file must not choose where to write: using data/cache; type it to keep it"
)
LARGEST = 4 << 20  # bytes, a hundred times more than a run writes
DEEPEST = 50  # levels of lists and dictionaries; a run writes about five
LONGEST = 20  # digits of a whole number: 64 bits
LONGEST_NAME = 200  # bytes of a name within the name of its temporary file
TEMPORARY = re.compile(r"(\..+\.)[0-9a-f]{16}\.tmp", re.DOTALL)
PAGES = ".html", ".htm"  # endings of a page
RUN = "run.json"
OF_A_RUN = (
    RUN, "train.log", "metrics.csv", "evaluation.json", "pictures.png", "curves.png", "learning_rate.png"
)  # fmt: skip
"""Files in the folder of a run."""
STARTED = time.time()  # of this process, nearly


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """The content of a small file from an unknown source; never waits for a pipe or a device.

    Raises:
        OSError: the file does not exist or cannot be opened.
        ValueError: not a regular file, or more than ``most`` bytes.
    """
    _check_regular(path, os.stat(path))
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        _check_regular(path, os.fstat(file.fileno()))
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path} must have <= {most:,} bytes")
    return content


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} must be a regular file")


def read_json(path: Path) -> Any:
    """The value of a small JSON file with at most 50 levels; numbers may be infinite or NaN.

    Raises:
        OSError, ValueError: as ``read_bytes``; also invalid JSON or UTF-8, more levels, or an integer beyond 64 bits.
    """
    return json_value(read_bytes(path), path)


def json_value(content: bytes | str, name: str | Path) -> Any:
    """The value of a short JSON text from an unknown source, as ``read_json``; ``name`` is for the message.

    Raises:
        ValueError: invalid JSON or UTF-8, more than 50 levels, or an integer beyond 64 bits.
    """
    try:
        value = json.loads(content, parse_int=_whole_number)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None
    level = [value]
    for _ in range(DEEPEST):
        inner = (
            entry.values() if isinstance(entry, dict) else entry for entry in level if isinstance(entry, dict | list)
        )
        level = [each for entries in inner for each in entries]
    if level:
        raise ValueError(f"{name} is nested too deeply")
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST:
        raise ValueError(f"an integer must have <= {LONGEST} digits, got {len(digits)}")
    return int(digits)


def check_no_links(paths: Iterable[Path]) -> None:
    """Rejects symbolic links, because their author would choose which files elsewhere we write or delete.

    Raises:
        InputError: one of the paths is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise InputError(
                f"{path} is a link to {os.readlink(path)}, and links are not followed to write or delete; replace it "
                "by a file or folder, or pass another folder"
            )


def check_kind(path: Path, folder: bool = False, either: bool = False) -> None:
    """Rejects what a file or a folder of ours cannot replace: opening a pipe, for example, would wait for ever.

    Args:
        path: the file or folder, which need not exist. A link counts as what it leads to.
        folder: whether it must be a folder, not a regular file.
        either: whether it may be the one or the other.

    Raises:
        InputError: it exists and is of another kind.
    """
    if not path.exists() or (path.is_dir() and (folder or either)) or (path.is_file() and (either or not folder)):
        return
    kind = "a regular file or a folder" if either else "a folder" if folder else "a regular file"
    raise InputError(f"{path} must be {kind}; remove or rename it, or pass another folder")


def check_output(path: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Checks before a long computation that its output file can be written.

    Args:
        path: the file, or None if none is requested.
        suffixes: allowed endings such as ".png", in upper or lower case; with none, every name is allowed.

    Raises:
        InputError: another ending, a folder, a device, a pipe, a file of a run, or a file in a folder that is missing
            or cannot be written.
    """
    if path is None:
        return
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path} must end in {' or '.join(suffixes)}; pass another name")
    if path.is_dir():
        raise InputError(f"{path} is a folder; pass a file's name, such as {path / ('out' + ''.join(suffixes[:1]))}")
    if path.exists() and not path.is_file():  # a file would replace a device or a pipe
        raise InputError(f"{path} must be a regular file; pass another name")
    folder = path.absolute().parent
    if path.name in OF_A_RUN and (folder / RUN).exists():
        raise InputError(f"{path} belongs to the run in its folder; pass another name")
    if not folder.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; create it, or pass another path")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the folder {path.parent} cannot be written; pass another path")


def make_cache(folder: Path) -> None:
    """Creates a cache folder and marks it if it contains only a cache (Cache Directory Tagging Specification).

    Raises:
        OSError: the folder cannot be created or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if all(ENTRY.fullmatch(entry.name) for entry in folder.iterdir()):
        replace_text(folder / TAG, f"{SIGNATURE}\n{OURS}\n")


def is_cache(folder: Path) -> bool:
    """Whether ``make_cache`` made the folder; only such a folder is accepted as a cache from a file."""
    try:
        return read_bytes(folder / TAG).startswith(f"{SIGNATURE}\n{OURS}".encode())
    except (OSError, ValueError):
        return False


def replace(path: Path, write: Callable[[BinaryIO], object], before: Callable[[], None] = lambda: None) -> None:
    """Replaces a file atomically; a crash leaves the old file or the new one, never a partial one.

    ``write`` writes a temporary file in the same folder, because a rename across file systems is a copy. The temporary
    file is synchronized to disk, then ``before`` is called, then the file is renamed. Several processes and threads may
    replace the same file.

    Raises:
        OSError: a full disk or a folder without write permission; no partial file remains.
    """
    temporary = path.with_name(f"{_begin(path)}{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            _lock(file)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before()
        os.replace(temporary, path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(OSError):  # on a disk that became read-only; the first error is the one to report
            temporary.unlink(missing_ok=True)
    _sync(path.parent)


def remove_stale(paths: Iterable[Path]) -> None:
    """Removes the temporary files that killed processes left in ``replace`` of these paths.

    A temporary file stays if it is younger than this process, if a process that still writes it has locked it, or if
    it is not a regular file of this user. A file that cannot be removed stays, without an error.
    """
    begins: dict[Path, set[str]] = {}
    for path in paths:
        begins.setdefault(path.parent, set()).add(_begin(path))
    for folder, wanted in begins.items():
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                found = TEMPORARY.fullmatch(entry.name)
                if found is not None and found[1] in wanted:
                    _remove_stale(folder / entry.name)


def _remove_stale(path: Path) -> None:
    with contextlib.suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)) as file:
        status = os.fstat(file.fileno())
        own = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if own and status.st_mtime < STARTED and _lock(file):
            path.unlink()


def _begin(path: Path) -> str:
    """How the names of a path's temporary files begin. A long name is cut: systems take 255 bytes."""
    return f".{os.fsdecode(os.fsencode(path.name)[:LONGEST_NAME])}."


def _lock(file: IO[Any]) -> bool:
    """Locks a file until it is closed or its process ends; False where another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def replace_text(path: Path, text: str) -> None:
    """``replace`` with a text in UTF-8; undecodable bytes of file names become ``\\udcff``, which JSON reads back."""
    replace(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def expanded(path: str | Path) -> Path:
    """The path with ``~`` replaced by the home folder; unchanged for an unknown user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def place(path: str | Path) -> Path:
    """The absolute path with links resolved, or an approximation for an invalid path."""
    try:
        return expanded(path).resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a link to itself
        return Path(os.path.abspath(os.path.expanduser(str(path).replace("\0", ""))))


def looked_at(path: Path) -> str:
    """The absolute form of a relative path, for the end of a message: ' (looked at /home/me/x)'."""
    return "" if path.is_absolute() else f" (looked at {printable(str(path.absolute()))})"


def printable(text: str) -> str:
    """A name for a message; with escapes if it contains control or unprintable characters."""
    return text if text.isprintable() else repr(text)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
