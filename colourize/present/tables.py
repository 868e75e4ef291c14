"""Tables: by rich for the terminal; in Markdown for the report and the pages.

A table is a list of rows of text. The first row is the header. The first column and columns of words are aligned left,
columns of numbers right.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from rich.table import Table

NUMBER = re.compile(r"([-+\d.,/]+(e[-+]?\d+)?( to [\d]+)?( ± [\d.]+)?)?")
Rows = Sequence[Sequence[str]]
Side = Literal["left", "right"]
RULED = "    \n    \n -- \n    \n    \n    \n    \n    \n"  # a box of rich with one rule, in ASCII for every terminal


class Markdown(str):
    """A cell that already is Markdown, such as an image: ``as_markdown`` does not escape it."""


class Line(NamedTuple):
    """A row of ``sectioned``: each cell is a text with a note below it; ``last``: a rule follows."""

    cells: Sequence[tuple[str, str]]
    bold: bool = False
    last: bool = False


def empty(title: str = "") -> "Table":
    """An empty table of rich without borders; the caller adds columns and rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    named = Text(title) if title else None
    table = Table(title=named, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.collapse_padding = True
    return table


def sectioned(title: str, headings: Sequence[str], lines: Sequence[Line], longest: int, notes: bool = False) -> "Table":
    """A table of rich with names on the left, up to ``longest`` characters per line, and numbers on the right.

    Args:
        title: title of the table.
        headings: headings of the columns.
        lines: the rows.
        longest: characters of a name on one line; a longer name breaks.
        notes: whether the notes below the texts are shown.
    """
    from rich.text import Text

    table = empty(title)
    table.add_column(headings[0], max_width=longest, overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        style = "bold" if line.bold else ""
        cells = [Text(text, style).append(f"\n{note}" if notes else "", "not bold dim") for text, note in line.cells]
        table.add_row(*cells, end_section=line.last)
    return table


def width_of(table: "Table") -> int:
    """The width in characters of a table of rich without wrapping."""
    from rich.console import Console
    from rich.measure import Measurement

    endless = Console(width=10_000)
    return Measurement.get(endless, endless.options, table).maximum


def as_text(rows: Rows) -> str:
    """The table as lines of text, without wrapping."""
    from rich.box import Box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=Box(RULED, ascii=True), show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, side in zip(rows[0], _sides(rows), strict=True):
        table.add_column(Text(heading), justify=side, no_wrap=True)
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    console = Console(width=1 << 16, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
    head, rule, *body = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([head, "-" * max(map(len, (head, *body))), *body]) if rule else head


def as_markdown(rows: Rows) -> str:
    """The table in Markdown. Cells are escaped, except those of type ``Markdown``."""
    rule = ["---" if side == "left" else "--:" for side in _sides(rows)]
    lines = [rows[0], rule, *rows[1:]]
    return "\n".join("| " + " | ".join(map(as_cell, row)) + " |" for row in lines)


def as_cell(text: str) -> str:
    """A text escaped for Markdown, on one line; ``Markdown`` is unchanged."""
    return text if isinstance(text, Markdown) else re.sub(r"[\\|<&*`]|\](?=\()", r"\\\g<0>", one_line(text))


def one_line(text: str) -> str:
    """The text with its lines joined by spaces."""
    return " ".join(text.splitlines())


def _sides(rows: Rows) -> list[Side]:
    body = rows[1:]
    return [
        "right" if number and all(NUMBER.fullmatch(row[number]) for row in body) else "left"
        for number in range(len(rows[0]))
    ]
