"""``colourize answers``: the assignment's questions, answered one by one."""

import argparse

from colourize import imports
from colourize.cli.arguments import Commands, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize answers`` with its arguments."""
    parser = command(commands, "answers", "answer the assignment's questions one by one", run)
    parser.add_argument(
        "questions", nargs="*", metavar="QUESTION", help="such as 4.3; 2 stands for 2.1, 2.2.1 and so on (default: all)"
    )


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize answers``. The import is here so that ``--help`` stays fast."""
    with imports.quick("torch"):
        from colourize.course.answers.chosen import answers

    answers(given.questions)
