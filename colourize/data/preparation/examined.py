"""The results for each picture file, and their list ``pictures.jsonl`` with one JSON object per line."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from colourize.files import read_bytes, replace_text

LARGEST = 1 << 30  # bytes of a list: two million pictures
UNREADABLE, TINY, NARROW, GREY, TINTED = "unreadable", "tiny", "narrow", "grey", "tinted"
DUPLICATE, NEAR_DUPLICATE, KEPT = "duplicate", "near-duplicate", "kept"
HEX = {"content": (32,), "hash": (0, 64), "mirrored_hash": (0, 64)}  # digits


@dataclass(frozen=True)
class Examined:
    """The result for one picture file, independent of the other files.

    Attributes:
        path: relative to the folder, with '/' as separator.
        bytes, changed: the file's size, and its modification time in nanoseconds; a new value means a changed file.
        content: 32 hex digits, a hash of its bytes.
        state: why it is dropped; '' if it is kept.
        why: the reason in words.
        width, height: as the file declares them; 0 for an unreadable file.
        chroma, beyond_tint, colourfulness: as ``colours.Colours``.
        hash, mirrored_hash: as ``duplicates.hashes``.
    """

    path: str
    bytes: int
    changed: int
    content: str
    state: str = ""
    why: str = ""
    width: int = 0
    height: int = 0
    chroma: float = 0.0
    beyond_tint: float = 0.0
    colourfulness: float = 0.0
    hash: str = ""
    mirrored_hash: str = ""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a file: ``state`` is ``kept`` or the reason; ``written`` is its path below the output folder;
    ``like`` is the path of the picture that it duplicates."""

    file: Examined
    state: str
    why: str = ""
    split: str = ""
    written: str = ""
    like: str = ""


KINDS = {field.name: field.type for field in fields(Examined)}


def write(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Writes the list. Bytes of names that are not UTF-8 become escapes (``\\udcff``), which ``read`` restores."""
    lines = (json.dumps({**asdict(each.file), **_outcome(each)}) for each in outcomes)
    replace_text(path, "".join(f"{line}\n" for line in lines))


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {
        "examined": outcome.file.state,
        "why": outcome.why or outcome.file.why,
        **{name: getattr(outcome, name) for name in ("state", "split", "written", "like")},
    }


def read(path: Path) -> dict[str, Examined]:
    """The examined files of a list, by path. Ignores lines that ``write`` cannot have written.

    Nothing in the list decides where we write. A missing or damaged list gives an empty result; then all files are
    examined again.
    """
    try:
        text = read_bytes(path, LARGEST).decode()
    except (OSError, ValueError):
        return {}
    found = (_examined(line) for line in text.splitlines())
    return {each.path: each for each in found if each is not None}


def _examined(line: str) -> Examined | None:
    try:
        values: dict[str, Any] = json.loads(line)
        values["state"], values["why"] = values["examined"], values["why"] if values["examined"] else ""
        known = {name: values[name] for name in KINDS}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    right = all(type(value) is KINDS[name] for name, value in known.items())
    if not right or not all(_is_hex(known[name], lengths) for name, lengths in HEX.items()):
        return None
    return Examined(**known)


def _is_hex(text: str, lengths: tuple[int, ...]) -> bool:
    return len(text) in lengths and re.fullmatch("[0-9a-f]*", text) is not None
