"""Which files of a folder are pictures, and what is said of the others."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from colourize.data.read import extensions
from colourize.errors import InputError
from colourize.files import looked_at, printable

log = logging.getLogger(__name__)

REMEDIES = {
    **dict.fromkeys((".heic", ".heics", ".heif", ".heifs", ".hif"), "pip install pillow-heif"),
    **dict.fromkeys((".avif", ".avifs"), "pip install --upgrade pillow"),
}
NAMED_KINDS = 8  # kinds that have a line of their own
DATA = frozenset([
    ".7z", ".aae", ".bin", ".bz2", ".cfg", ".csv", ".dat", ".db", ".doc", ".docx", ".gz", ".htm", ".html", ".ini",
    ".ipynb", ".js", ".json", ".jsonl", ".lnk", ".lock", ".log", ".mat", ".md", ".npy", ".npz", ".parquet", ".pdf",
    ".pickle", ".pkl", ".pt", ".pth", ".py", ".rar", ".rst", ".rtf", ".sh", ".sqlite", ".tar", ".tgz", ".toml", ".tsv",
    ".txt", ".url", ".xls", ".xlsx", ".xml", ".xmp", ".xz", ".yaml", ".yml", ".zip",
])  # fmt: skip
"""Endings of what often lies beside pictures; what ends in none of these, nor as a picture, may be one of some kind."""
NO_ENDING, NO_FILE = "", "/"  # kinds beside the endings; the second: named as a picture, and a pipe or a device

_MAGIC = {  # at the start, or behind four bytes where it begins with ftyp; of no other kind of file
    b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png", b"GIF87a": ".gif", b"GIF89a": ".gif", b"II*\0": ".tif",
    b"MM\0*": ".tif", b"8BPS\0\1": ".psd", b"\0\0\0\x0cjP  \r\n\x87\n": ".jp2", b"\xff\x4f\xff\x51\0": ".j2k",
    b"ftypavif": ".avif", b"ftypavis": ".avif", b"ftypheic": ".heic", b"ftypheix": ".heic", b"ftypheim": ".heic",
    b"ftypheis": ".heic", b"ftyphevc": ".heic", b"ftyphevx": ".heic", b"ftypmif1": ".heic", b"ftypmsf1": ".heic",
}  # fmt: skip
Kinds = Counter[str]
"""Files that are left out, by their kind: a lower-case ending, ``NO_ENDING`` or ``NO_FILE``."""


def scan(root: Path) -> tuple[list[str], Kinds]:
    """Paths of the picture files below a folder, '/' between the names, sorted; and the other files by kind.

    A picture ends in an extension that can be read (``decode.extensions``), or in none and begins as one. Names with a
    leading dot and ``__MACOSX`` count for nothing. Links are followed, except to a folder they lie in.

    Raises:
        InputError: no such folder, or one below it that cannot be read.
    """
    if not root.is_dir():
        what = "no folder" if root.exists() else "not there"
        raise InputError(f"data.root={root} is {what}{looked_at(root)}; pass data.root=DIR, the folder of the pictures")
    others: Kinds = Counter()
    try:
        return sorted(_below(root, "", frozenset(), others)), others
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}); allow it, or move it out") from error


def _below(folder: str | Path, prefix: str, above: frozenset[tuple[int, int]], others: Kinds) -> Iterator[str]:
    status = os.stat(folder)
    here = above | {(status.st_dev, status.st_ino)}
    if here == above:
        return  # a link to a folder that it lies in
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir():
                yield from _below(entry.path, f"{prefix}{entry.name}/", here, others)
            elif (kind := _kind(entry)) in extensions():
                yield prefix + entry.name
            else:
                others[kind] += 1


def _kind(entry: os.DirEntry[str]) -> str:
    ending = os.path.splitext(entry.name)[1].lower().rstrip(".")
    if ending in extensions():
        return ending if entry.is_file() or _dangling(entry) else NO_FILE
    return ending or (_by_content(entry.path) if entry.is_file() else NO_ENDING)


def _dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)


def _by_content(path: str) -> str:
    """The ending that a regular file would have, from its first bytes."""
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


def say_what_is_left_out(root: Path, others: Kinds) -> None:
    """Logs the kinds that are not read: a line for each that may hold pictures, and one for what does not."""
    left_out = [(kind, count) for kind, count in _ordered(others) if kind not in (*DATA, NO_ENDING)]
    for kind, count in left_out[:NAMED_KINDS]:
        place, are = printable(str(root)), "is" if count == 1 else "are"
        log.warning("%s in %s %s left out%s", _files(kind, count), place, are, _remedy(kind, count))
    if more := left_out[NAMED_KINDS:]:
        total = sum(count for _, count in more)
        log.warning("and %d files of %d other kinds are left out; %s", total, len(more), _convert(total))
    if data := [(kind, count) for kind, count in _ordered(others) if kind in (*DATA, NO_ENDING)]:
        listed = ", ".join(_files(kind, count) for kind, count in data)
        log.info("%s in %s: not pictures, left out", listed, printable(str(root)))


def lack(root: Path, others: Kinds) -> str:
    """Why a folder holds no picture that can be read, and what helps."""
    for kind, count in _ordered(others):
        if kind in REMEDIES:
            return f"data.root={root} holds {_files(kind, count)}, which cannot be read yet{_remedy(kind, count)}"
    return f"data.root={root} holds no picture files such as .jpg or .png{looked_at(root)}; pass a folder of pictures"


def _ordered(others: Kinds) -> list[tuple[str, int]]:
    """The most frequent first, in an order that does not depend on the file system's."""
    return sorted(others.items(), key=lambda item: (-item[1], item[0]))


def _files(kind: str, count: int) -> str:
    plural = "" if count == 1 else "s"
    if kind == NO_FILE:
        return f"{count} pipe{plural}, socket{plural} or device{plural}"
    return f"{count} {printable(kind)} file{plural}" if kind else f"{count} file{plural} without an extension"


def _remedy(kind: str, count: int) -> str:
    return "" if kind == NO_FILE else f": {REMEDIES[kind]}" if kind in REMEDIES else f"; {_convert(count)}"


def _convert(count: int) -> str:
    return f"convert {'it' if count == 1 else 'them'} to JPEG or PNG"
