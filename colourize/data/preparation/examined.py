"""The results for each picture file, and their list ``pictures.jsonl``, one JSON object a line."""

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
    """The result for a picture file by itself, independent of the other files.

    Attributes:
        path: below the folder, '/' between the names.
        bytes, changed: the file's size and time of change in nanoseconds; a file for which they differ has changed.
        content: 32 hex digits, a hash of its bytes.
        state: why it is dropped, or '' if it is not.
        why: the reason in words.
        width, height: as the file declares them; 0 where unreadable.
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
    """The outcome of a file: ``state`` is ``kept`` or the reason; ``written`` its path below the output folder;
    ``like`` the path of the picture that it repeats."""

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
    """The examined files of a list, by path; lines that ``write`` cannot have written are left out.

    Nothing in the list decides where we write. A missing or damaged list gives an empty result, and all files are
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
