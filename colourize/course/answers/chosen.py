"""``colourize answers``: the questions and the modules that answer them. torch is imported only if needed."""

import importlib
from collections.abc import Sequence

from colourize.course.answers import rendered
from colourize.errors import InputError

MODULES = {
    "optimization": ("1.1.1", "1.2", "2.1", "2.2.1", "2.3.2"),
    "by_hand": ("3.1", "5.4"),
    "counted": ("3.2", "3.3", "4.3"),
    "trained": ("4.2", "5.2", "5.3", "5.5", "6.2", "6.3"),
}  # the modules of this package, and the questions that each answers
QUESTIONS = {number: module for module, numbers in MODULES.items() for number in numbers}


def answers(questions: Sequence[str] = ()) -> None:
    """Prints the answers to some questions, or to all; 2 means all of 2.1, 2.2.1 and so on.

    Raises:
        InputError: an unknown question.
    """
    for number in chosen(questions):
        module = importlib.import_module(f"colourize.course.answers.{QUESTIONS[number]}")
        print(rendered(number, module.ANSWERS[number]()) + "\n", flush=True)


def chosen(questions: Sequence[str]) -> list[str]:
    """The numbers of the questions asked, in the assignment's order; InputError as for ``answers``."""
    for question in questions:
        if not any(_within(number, question) for number in QUESTIONS):
            known = ", ".join(sorted(QUESTIONS, key=_order))
            raise InputError(f"question must be one of {known}, or a part such as 2; got {question!r}")
    found = [number for number in QUESTIONS if not questions or any(_within(number, each) for each in questions)]
    return sorted(found, key=_order)


def _order(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]


def _within(number: str, question: str) -> bool:
    return f"{number}.".startswith(f"{question.rstrip('.')}.")
