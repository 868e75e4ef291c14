"""A document as one self-contained HTML page: figures inline, pictures as data."""

import re
from collections.abc import Callable
from itertools import groupby

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from colourize.present.html import Cell, Grid, Line, labelled, render
from colourize.report import strips
from colourize.report.document import Chart, Document, Table

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
"""For the user's answer: HTML in it stays text, and nothing is loaded."""


def rendered(document: Document) -> str:
    """The page. Neighbouring charts are side by side if there is room."""
    groups = [
        (are_charts, [(type(part).__name__, part) for part in parts])
        for are_charts, parts in groupby(document.parts, lambda part: isinstance(part, Chart))
    ]
    filters: dict[str, Callable[..., object]] = {
        "grid": _grid,
        "inline": _inline,
        "labelled": labelled,
        "markdown": _markdown,
        "address": strips.address,
    }
    return render("report.html.j2", filters, title=document.title, groups=groups)


def _grid(table: Table) -> Grid:
    head, *body = table.rows
    kinds = table.kinds or [""] * len(body)
    left = [any(re.search(r"[a-z]{3}", cells[column]) for cells in body) for column in range(len(head))]
    lines = [
        Line(kind, Cell(cells[0]), [_cell(cell) for cell in cells[1:]]) for kind, cells in zip(kinds, body, strict=True)
    ]
    return Grid(head, left, lines)


def _cell(text: str) -> Cell:
    value, _, spread = text.partition(" ± ")
    return Cell(value, f"± {spread}" if spread else "")


def _inline(text: str) -> Markup:
    coded = re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"^\*\*([^*]*)\*\*", r"<strong>\1</strong>", coded))


def _markdown(text: str) -> Markup:
    return Markup(MARKDOWN.render(text))
