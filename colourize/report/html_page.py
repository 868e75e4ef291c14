"""A document as one self-contained HTML page: figures inline, pictures as data."""

import html
import re
from collections.abc import Sequence
from itertools import groupby

from markdown_it import MarkdownIt

from colourize.present import web_page
from colourize.report import strips
from colourize.report.document import Answer, Bullets, Chart, Code, Document, Heading, Part, Pictures, Table, Text

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
"""Of a person's answer: what is HTML in it stays text, and nothing is loaded."""


def rendered(document: Document) -> str:
    """The page; charts that follow each other stand side by side where there is room."""
    body = [f"<h1>{html.escape(document.title)}</h1>"]
    for charts, parts in groupby(document.parts, lambda part: isinstance(part, Chart)):
        text = "".join(map(_part, parts))
        body.append(f'<div class="charts">{text}</div>' if charts else text)
    return web_page.page(document.title, "\n".join(body))


def _part(part: Part) -> str:
    match part:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Text(text):
            return f"<p>{_inline(text)}</p>"
        case Answer(text):
            return str(MARKDOWN.render(text))
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"
        case Code(lines):
            return f"<pre>{html.escape(chr(10).join(lines))}</pre>"
        case Table():
            return _table(part)
        case Chart(_, svg, caption):
            named = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(caption)}" ', 1)
            return f"<figure><figcaption>{_inline(caption)}</figcaption>{named}</figure>"
        case Pictures(shown):
            return "".join(
                f'<div class="strip"><span>{html.escape(name)}</span>'
                f'<img alt="{html.escape(name)}" src="{strips.address(strip)}"></div>'
                for name, strip in shown.items()
            )


def _table(table: Table) -> str:
    head, *body = table.rows
    kinds: Sequence[str] = table.kinds or [""] * len(body)
    words = [any(re.search(r"[a-z]{3}", cells[column]) for cells in body) for column in range(len(head))]
    lines = [
        web_page.row(kind, cells[0], [_cell(cell) for cell in cells[1:]], left=words[1:])
        for kind, cells in zip(kinds, body, strict=True)
    ]
    text = web_page.table(head, lines, words)
    return f"<details><summary>{html.escape(table.long)}</summary>{text}</details>" if table.long else text


def _cell(text: str) -> str:
    value, _, spread = text.partition(" ± ")
    below = f"<small>± {html.escape(spread)}</small>" if spread else ""
    return html.escape(value) + below


def _inline(text: str) -> str:
    coded = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
    return re.sub(r"^\*\*([^*]*)\*\*", r"<strong>\1</strong>", coded)
