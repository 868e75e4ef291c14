"""Tables of text: the first row is the header, columns of numbers stand right, but for the first."""

import re
from collections.abc import Sequence

NUMBER = re.compile(r"([-+\d.,/]+(e[-+]?\d+)?( to [\d]+)?( ± [\d.]+)?)?")
Rows = Sequence[Sequence[str]]


def as_text(rows: Rows) -> str:
    """Columns side by side, never cut."""
    left = _left(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if words else cell.rjust(width)
            for cell, width, words in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def as_markdown(rows: Rows) -> str:
    """A table of Markdown; a cell's text is what its reader sees, but for images and links, which stay such."""
    rule = ["---" if words else "--:" for words in _left(rows)]
    lines = [rows[0], rule, *rows[1:]]
    return "\n".join(
        "| " + " | ".join(re.sub(r"[\\|<&*`]", r"\\\g<0>", one_line(cell)) for cell in row) + " |" for row in lines
    )


def one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _left(rows: Rows) -> list[bool]:
    body = rows[1:]
    return [not number or not all(NUMBER.fullmatch(row[number]) for row in body) for number in range(len(rows[0]))]
