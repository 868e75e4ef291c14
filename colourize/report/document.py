"""A page as a list of parts, before it is HTML or Markdown.

In texts, `code` stands between backticks, **a name** at the start between stars.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """The first row is the header; ``kinds`` of the others: floor, ceiling, best, or none. ``long`` ones are folded."""

    rows: Sequence[Sequence[str]]
    kinds: Sequence[str] = ()
    long: str = ""


@dataclass(frozen=True)
class Chart:
    """An SVG figure, a name for its file, and what it shows."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Pictures:
    """Strips of pictures under their names, each uint8 [H, W, 3]."""

    strips: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """The place of the study's answer, which a person writes into the Markdown file."""

    text: str


Part = Heading | Text | Bullets | Code | Table | Chart | Pictures | Answer


@dataclass(frozen=True)
class Document:
    title: str
    parts: Sequence[Part] = field(default=())
