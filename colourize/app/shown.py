"""The state of a desk, as plain values for the page's script (``static/view.js``)."""

import itertools
import json
from typing import Any

from colourize.app import download
from colourize.app.desk import Desk
from colourize.app.steering import SAMPLES

KINDS = {
    "grey": "",
    "tinted": "It is toned, so it was made grey first.",
    "coloured": "It is in colour already, so it was made grey first.",
}
ANSWERS = itertools.count()


def text(desk: Desk | None, error: str = "") -> str:
    """The state of a desk as JSON, to be read under its lock; ``error`` is one line for the visitor. No two are alike,
    since Gradio does not tell the page's script of an answer that equals the last one."""
    state = _state(desk) if desk is not None else {"current": "", "photographs": []}
    return json.dumps({**state, "error": error, "answer": next(ANSWERS)})


def photograph(answer: Any) -> str:
    """The number of the photograph in an answer of ``text`` that the page sends back; "" if it is not one."""
    try:
        return str(json.loads(answer)["current"])
    except (TypeError, ValueError, LookupError, RecursionError):
        return ""


def stamp(desk: Desk) -> dict[str, Any]:
    """The numbers that distinguish a state of a desk from an older state and from the states of other desks."""
    return {"desk": desk.number, "version": desk.version}


def _state(desk: Desk) -> dict[str, Any]:
    held, steering = desk.held, desk.steering
    state: dict[str, Any] = {
        **stamp(desk),
        "current": desk.current if held is not None else "",
        "photographs": [{"id": number, "name": each.path.name} for number, each in desk.photographs.items()],
        "reference": desk.reference.name if desk.reference is not None else "",
    }
    if held is None:
        return state
    notes = [KINDS[held.kind], *(f"{note[0].upper()}{note[1:]}." for note in held.notes)]
    if held.frames > 1:
        notes.append(f"The first of {held.frames} frames is shown; the download has all of them.")
    return state | {
        "name": held.path.name,
        "height": held.size[0],
        "width": held.size[1],
        "notes": [note for note in notes if note],
        "hints": [{"x": hint.x, "y": hint.y, "colour": f"#{bytes(hint.rgb).hex()}"} for hint in held.hints],
        "samples": SAMPLES if steering.decoding == "sample" else 0,
        "first": steering.first,
        "seed": steering.seed,
        "command": download.command(desk),
        "file": download.name(desk, held),
    }
