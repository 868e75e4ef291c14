"""A page as a list of parts, independent of HTML and Markdown.

Texts may mark `code` by backticks, and **a name** at their start by stars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Heading:
    """A heading of the second level."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of items."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Lines of shell commands."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows, the header first. ``kinds`` of the others: floor, ceiling, best or ""; ``long``: its title if folded."""

    rows: Sequence[Sequence[str]]
    kinds: Sequence[str] = ()
    long: str = ""


@dataclass(frozen=True)
class Chart:
    """An SVG figure, the name of its file, and its caption."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Pictures:
    """Strips of pictures by name, each uint8 [H, W, 3]."""

    strips: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """The answer to the question, which the user writes into the Markdown file."""

    text: str


Part = Heading | Text | Bullets | Code | Table | Chart | Pictures | Answer


@dataclass(frozen=True)
class Document:
    """A page: its title and its parts in order."""

    title: str
    parts: Sequence[Part] = field(default=())
