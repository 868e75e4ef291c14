"""Finds the picture files of a folder, and reports the other files in the log."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from colourize.data.read import extensions
from colourize.errors import InputError
from colourize.files import looked_at, printable

log = logging.getLogger(__name__)

REMEDIES = {
    **dict.fromkeys((".heic", ".heics", ".heif", ".heifs", ".hif"), "pip install pillow-heif"),
    **dict.fromkeys((".avif", ".avifs"), "pip install --upgrade pillow"),
}
NAMED_KINDS = 8  # kinds with their own line in the log
DATA = frozenset([
    ".7z", ".aae", ".bin", ".bz2", ".cfg", ".csv", ".dat", ".db", ".doc", ".docx", ".gz", ".htm", ".html", ".ini",
    ".ipynb", ".js", ".json", ".jsonl", ".lnk", ".lock", ".log", ".mat", ".md", ".npy", ".npz", ".parquet", ".pdf",
    ".pickle", ".pkl", ".pt", ".pth", ".py", ".rar", ".rst", ".rtf", ".sh", ".sqlite", ".tar", ".tgz", ".toml", ".tsv",
    ".txt", ".url", ".xls", ".xlsx", ".xml", ".xmp", ".xz", ".yaml", ".yml", ".zip",
])  # fmt: skip
"""Extensions of files that often accompany pictures. Any other extension may be an unknown kind of picture."""
NO_ENDING, NO_FILE = "", "/"  # additional kinds: no ending; a pipe or a device with the name of a picture

_MAGIC = {  # first bytes of a file, or bytes 4 and later for those that begin with ftyp
    b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png", b"GIF87a": ".gif", b"GIF89a": ".gif", b"II*\0": ".tif",
    b"MM\0*": ".tif", b"8BPS\0\1": ".psd", b"\0\0\0\x0cjP  \r\n\x87\n": ".jp2", b"\xff\x4f\xff\x51\0": ".j2k",
    b"ftypavif": ".avif", b"ftypavis": ".avif", b"ftypheic": ".heic", b"ftypheix": ".heic", b"ftypheim": ".heic",
    b"ftypheis": ".heic", b"ftyphevc": ".heic", b"ftyphevx": ".heic", b"ftypmif1": ".heic", b"ftypmsf1": ".heic",
}  # fmt: skip
Kinds = Counter[str]
"""Number of files that are left out, by kind: a lower-case extension, ``NO_ENDING`` or ``NO_FILE``."""


def scan(root: Path, called: str = "data.root=") -> tuple[list[str], Kinds]:
    """Sorted paths of the picture files below a folder, with '/' as separator; and counts of the other files by kind.

    A picture file has an extension of ``read.extensions``, or has no extension and starts like a picture file.
    Names with a leading dot and ``__MACOSX`` are ignored. Links are followed, except to a folder that contains them.
    Messages show ``called`` before the folder.

    Raises:
        InputError: the folder is missing, or a folder below it cannot be read.
    """
    if not root.is_dir():
        fault = "is not a folder" if root.exists() else "does not exist"
        raise InputError(f"{called}{root} {fault}{looked_at(root)}; pass {called}DIR, the folder of the pictures")
    others: Kinds = Counter()
    try:
        return sorted(_below(root, "", frozenset(), others)), others
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}); allow it, or move it out") from error


def _below(folder: str | Path, prefix: str, above: frozenset[tuple[int, int]], others: Kinds) -> Iterator[str]:
    status = os.stat(folder)
    here = above | {(status.st_dev, status.st_ino)}
    if here == above:
        return  # a link to a folder that contains it
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if _is(entry.is_dir):
                yield from _below(entry.path, f"{prefix}{entry.name}/", here, others)
            elif (kind := _kind(entry)) in extensions():
                yield prefix + entry.name
            else:
                others[kind] += 1


def _kind(entry: os.DirEntry[str]) -> str:
    ending = os.path.splitext(entry.name)[1].lower().rstrip(".")
    if ending in extensions():
        return ending if _is(entry.is_file) or _dangling(entry) else NO_FILE
    return ending or (_by_content(entry.path) if _is(entry.is_file) else NO_ENDING)


def _is(kind: Callable[[], bool]) -> bool:
    """False for a link that leads nowhere: to itself, or through a folder that cannot be read."""
    try:
        return kind()
    except OSError:
        return False


def _dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)


def _by_content(path: str) -> str:
    """The extension that matches the first bytes of a regular file."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError:
        return NO_ENDING
    if (start[:4], start[8:12]) == (b"RIFF", b"WEBP"):
        return ".webp"
    if start[:2] == b"BM" and start[6:10] == bytes(4):
        return ".bmp"
    kinds = (kind for magic, kind in _MAGIC.items() if start.startswith(magic) or start[4:].startswith(magic))
    return next(kinds, NO_ENDING)


def log_left_out(root: Path, others: Kinds) -> None:
    """Logs the files that are not read: a line for each kind that may be a picture, and one line for all others."""
    left_out = [(kind, count) for kind, count in _ordered(others) if kind not in (*DATA, NO_ENDING)]
    for kind, count in left_out[:NAMED_KINDS]:
        place, are = printable(str(root)), "is" if count == 1 else "are"
        log.warning("%s in %s %s left out%s", files_of(kind, count), place, are, _remedy(kind, count))
    if more := left_out[NAMED_KINDS:]:
        total = sum(count for _, count in more)
        log.warning("and %d files of %d other kinds are left out; %s", total, len(more), _convert(total))
    if data := [(kind, count) for kind, count in _ordered(others) if kind in (*DATA, NO_ENDING)]:
        listed = ", ".join(files_of(kind, count) for kind, count in data)
        log.info("%s in %s: not pictures, left out", listed, printable(str(root)))


def lack(root: Path, others: Kinds, called: str = "data.root=") -> str:
    """Why a folder contains no readable picture, and the remedy."""
    for kind, count in _ordered(others):
        if kind in REMEDIES:
            return f"{called}{root} contains {files_of(kind, count)}, which cannot be read yet{_remedy(kind, count)}"
    return f"{called}{root} contains no picture files such as .jpg or .png{looked_at(root)}; pass a folder of pictures"


def _ordered(others: Kinds) -> list[tuple[str, int]]:
    """The most frequent kinds first; the result does not depend on the order of the file system."""
    return sorted(others.items(), key=lambda item: (-item[1], item[0]))


def files_of(kind: str, count: int) -> str:
    """A count of files in words: '3 .txt files'."""
    plural = "" if count == 1 else "s"
    if kind == NO_FILE:
        return f"{count} pipe{plural}, socket{plural} or device{plural}"
    return f"{count} {printable(kind)} file{plural}" if kind else f"{count} file{plural} without an extension"


def _remedy(kind: str, count: int) -> str:
    return "" if kind == NO_FILE else f": {REMEDIES[kind]}" if kind in REMEDIES else f"; {_convert(count)}"


def _convert(count: int) -> str:
    return f"convert {'it' if count == 1 else 'them'} to JPEG or PNG"
