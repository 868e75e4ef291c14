"""Self-contained HTML pages from Jinja2 templates. Every value is escaped; a page runs no script and loads nothing.

A page is light or dark as the reader's system is, and light in print.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from colourize.present.terminal import clean

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Cell:
    """A text, and a note in small print below it."""

    text: str
    below: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table. Its kind (floor, model, decoding, ceiling, best, or "") gives it a colour."""

    kind: str
    name: Cell
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Grid:
    """A table: the header, a side for each of its columns (True: left), and rows of one name and the other cells."""

    head: Sequence[str]
    left: Sequence[bool]
    lines: Sequence[Line]


def render(template: str, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """The page of a template in ``templates/``.

    Args:
        template: the name of its file.
        filters: additional filters for the template; one that returns ``markupsafe.Markup`` must escape its own input.
        values: what the template shows.

    Raises:
        jinja2.UndefinedError: the template uses a value that is missing.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(filters or {})
    return clean(environment.get_template(template).render(**values))
