"""The output of ``colourize answers``, with formulas parsed by sympy."""

import functools
import importlib
import re

import sympy

from colourize.course.answers import chosen


@functools.cache
def printed(number):
    """The lines printed for a question."""
    module = importlib.import_module(f"colourize.course.answers.{chosen.QUESTIONS[number]}")
    return chosen.rendered(number, module.ANSWERS[number]()).splitlines()


def formulas(lines):
    """The printed formulas of an answer, parsed by sympy."""
    found = (
        re.fullmatch(r" {6}(\S.*?) = (.*)", line) for line in lines if "  " not in line.strip()
    )  # not a row of a table
    return {match[1]: read(match[2].replace("lambda", "lam")) for match in found if match}


def read(formula):
    names = set(re.findall(r"[A-Za-z]\w*", formula)) - {"Max", "Abs", "ceiling", "sign"}
    return sympy.parse_expr(
        formula, {name: sympy.Symbol(name) for name in names}
    )  # sympy has other meanings for N, E, S


def table(lines):
    """Rows of the table below the rule, by their first cell, with numbers converted."""
    (rule,) = (place for place, line in enumerate(lines) if re.fullmatch(r" {6}-+", line))
    rows = [re.split(r" {2,}", line.strip()) for line in lines[rule + 1 :] if line.startswith(" " * 6)]
    return {first: [cell.replace(",", "") for cell in rest] for first, *rest in rows}


def at(formula, **values):
    return formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols})
