"""Answers to the questions of the assignment (CSC413 2023, assignment 2), with reasons and numbers.

Every number is computed when it is printed, and sympy can parse every formula. This module does not import torch.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from colourize.present.tables import Rows, as_text

WIDTH = 80  # columns of a line of text; formulas and tables may be wider


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Attributes:
        title: of the question.
        lines: the answer and its reason, a paragraph each.
        formulas: right-hand sides in sympy's syntax, by left-hand side.
        rows: of a table, the header first.
        blocks: preformatted text, such as a matrix.
        notes: about the numbers, printed below them.
        more: commands and pages with details.
    """

    title: str
    lines: Sequence[str]
    formulas: Mapping[str, object] = field(default_factory=dict)
    rows: Rows = ()
    blocks: Sequence[str] = ()
    notes: Sequence[str] = ()
    more: Sequence[str] = ()


def rendered(number: str, answer: Answer) -> str:
    """An answer as text, indented below its number and title."""
    body = [_wrapped(line) for line in answer.lines]
    shown = [f"{name} = {formula}" for name, formula in answer.formulas.items()]
    shown += [*([as_text(answer.rows)] if answer.rows else []), *answer.blocks]
    body += [textwrap.indent(part, "    ") for part in shown]
    body += [*(_wrapped(note) for note in answer.notes), *(f"more: {each}" for each in answer.more)]
    return f"{number}  {answer.title}\n" + textwrap.indent("\n".join(body), "  ")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
