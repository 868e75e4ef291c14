"""Two sentences about a network: its training pictures, and how far to trust it. From its card and its model card."""

import re
from pathlib import Path
from typing import Any

from colourize import files
from colourize.inference.predictor import Card

GUESSES = (
    "its colours are guesses, and rare things get the colours of common ones, so do not use them as evidence of what "
    "the colours were"
)
SOURCES = {"cifar10": "CIFAR-10's pictures", "scenes": "drawn landscapes", "folder": "photographs"}
_DATA = re.compile(r"^([\d,]+ (?:photographs|pictures)) of ", re.MULTILINE)
_FIGURES = re.compile(
    r"^\| (?P<count>\d+) (?P<kind>[^|]{1,60}) \| (?P<grey>\d+\.\d+) \| (?P<network>\d+\.\d+) \|", re.MULTILINE
)


def sentences(card: Card, name: str, page: str = "") -> str:
    """Sentences on a network's training pictures and on how far to trust it, as Markdown.

    Args:
        card: of the network; its configuration may come from a stranger, so only known names are used.
        name: of the network on the page.
        page: its model card, as ``colourize export`` writes it; "" if it has none.
    """
    data = _DATA.search(page)
    trained = data[1] if data is not None else _source(card.config)
    first = f"**{_plain(name)}** was trained on {trained}, seen at {card.size} pixels."
    found = _FIGURES.search(page)
    if found is None:
        return f"{first} How good it is has not been measured here: {GUESSES}."
    gain = float(found["network"]) - float(found["grey"])
    return (
        f"{first} On {found['count']} photographs that it had not seen it is {gain:.1f} dB nearer to the true colours "
        f"than grey is: {GUESSES}."
    )


def page_of(path: Path) -> str:
    """The model card beside a network's file, FILE.md or the file's name with .md; "" if there is none."""
    for place in (path.with_name(f"{path.name}.md"), path.with_suffix(".md")):
        try:
            return files.read_bytes(place).decode()
        except (OSError, ValueError):
            continue
    return ""


def _source(config: dict[str, Any]) -> str:
    data = config.get("data")
    words = " ".join(str(each) for each in data.values()).lower() if isinstance(data, dict) else str(data).lower()
    return next((text for name, text in SOURCES.items() if name in words), "pictures that its file does not name")


def _plain(text: str) -> str:
    return "".join(each for each in text if each.isalnum() or each in " ._-/:")[-80:]
