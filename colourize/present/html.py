"""Self-contained HTML pages from Jinja2 templates. Every value is escaped; pages have no scripts and load no files.

A page is light or dark like the reader's system, and light in print.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from colourize.present.terminal import clean

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Cell:
    """A text with a note in small print below it."""

    text: str
    below: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table. Its kind (floor, model, decoding, ceiling, best, or "") determines its colour."""

    kind: str
    name: Cell
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Grid:
    """A table: the header, the alignment of each column (True: left), and rows of one name and the other cells."""

    head: Sequence[str]
    left: Sequence[bool]
    lines: Sequence[Line]


def labelled(svg: str, caption: str) -> Markup:
    """An SVG that we drew, as an image whose label for screen readers is the caption."""
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1))


def render(template: str, filters: Mapping[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """Renders a page from a template in ``templates/``.

    Args:
        template: the name of its file.
        filters: additional filters for the template; one that returns ``markupsafe.Markup`` must escape its own input.
        values: values for the template.

    Raises:
        jinja2.UndefinedError: the template uses a value that is missing.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(filters or {})
    return clean(environment.get_template(template).render(**values))
