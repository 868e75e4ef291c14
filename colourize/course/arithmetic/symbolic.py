"""Totals of a network as polynomials in its numbers of channels.

A count is a sum of products of at most two of NIC, NF and NC: a polynomial of degree at most 2. The counts of ten
networks determine its ten coefficients exactly; other networks check them.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import sympy
import torch
from torch import nn

from colourize.course.arithmetic.layers import Layer, totals
from colourize.course.arithmetic.listing import CONVENTIONS
from colourize.course.arithmetic.walk import walk
from colourize.errors import InputError
from colourize.present.tables import as_markdown, as_text

NIC, NF, NC = SYMBOLS = sympy.symbols("NIC NF NC", positive=True, integer=True)
MONOMIALS = [sympy.Mul(*factors) for factors in itertools.combinations_with_replacement((1, *SYMBOLS), 2)]
LATTICE = [(1 + i, 1 + j, 1 + k) for i, j, k in itertools.product(range(3), repeat=3) if i + j + k <= 2]
CHECKS = (3, 5, 7), (1, 32, 24), (2, 9, 4)
POINTS = *LATTICE, *CHECKS
SUMMED = "weights", "outputs", "connections", "used", "multiply_adds", "memory"
NOTE = "NIC input channels, NF filters, NC colours; memory in bytes; used: connections that do not end on padding"
Build = Callable[[int, int, int], nn.Module]  # from NIC, NF, NC
Point = tuple[int, int, int]  # NIC, NF, NC


@dataclass(frozen=True)
class Solved:
    """The totals of a network for square pictures of ``side`` pixels, in one convention."""

    network: str
    convention: str
    side: int
    totals: dict[str, sympy.Expr]


def solved(name: str, build: Build, side: int) -> list[Solved]:
    """The totals in both conventions, for pictures of ``side`` and 2 ``side`` pixels."""
    walked = {each: _walked(build, (each, each)) for each in (side, 2 * side)}
    return [
        Solved(name, convention, each, fitted(_counted(layers, biases)))
        for biases, convention in CONVENTIONS.items()
        for each, layers in walked.items()
    ]


def solved_as_json(found: Sequence[Solved]) -> str:
    """The polynomials as JSON, each in sympy's syntax."""
    return json.dumps(
        [{"network": each.network, "convention": each.convention, "side": each.side,
          **{name: str(value) for name, value in each.totals.items()}} for each in found], indent=1,
    )  # fmt: skip


def solved_as_tables(found: Sequence[Solved], markdown: bool) -> str:
    """A heading and a table for each network, size and convention."""
    parts = [NOTE]
    for each in found:
        rows = [["total", "polynomial"], *([name, str(each.totals[name])] for name in SUMMED)]
        heading = f"{each.network}, {each.side} x {each.side}, {each.convention}"
        parts += ["", heading, "", as_markdown(rows) if markdown else as_text(rows)]
    return "\n".join(parts)


def polynomials(build: Build, sides: tuple[int, int], biases: bool = False) -> dict[str, sympy.Expr]:
    """Totals by name as functions of NIC, NF and NC, for pictures [NIC, H, W]; ``sides`` are H and W.

    Raises:
        InputError: a count does not follow a polynomial of degree 2.
    """
    return fitted(_counted(_walked(build, sides), biases))


def fitted(counted: Mapping[Point, Mapping[str, int]]) -> dict[str, sympy.Expr]:
    """The polynomials through the counts at the ``POINTS``, by name; raises the errors of ``polynomials``."""
    names = list(counted[LATTICE[0]])
    matrix = sympy.Matrix([[monomial_at(term, point) for term in MONOMIALS] for point in LATTICE])
    coefficients = matrix.LUsolve(sympy.Matrix([[counted[point][name] for name in names] for point in LATTICE]))
    found = {}
    for column, name in enumerate(names):
        polynomial = sum(c * term for c, term in zip(coefficients.col(column), MONOMIALS, strict=True))
        for point in CHECKS:
            if monomial_at(polynomial, point) != counted[point][name]:
                raise InputError(f"the {name} of this network do not follow a polynomial of degree 2 in NIC, NF and NC")
        found[name] = polynomial
    return found


def monomial_at(term: sympy.Expr, point: tuple[int, int, int]) -> sympy.Expr:
    """The value of an expression at given NIC, NF and NC."""
    return sympy.sympify(term).subs(dict(zip(SYMBOLS, point, strict=True)))


def _walked(build: Build, sides: tuple[int, int]) -> dict[Point, list[Layer]]:
    """The layers at each of the ``POINTS``."""
    found = {}
    for point in POINTS:
        with torch.device("meta"):
            network = build(*point)
        found[point] = walk(network, (point[0], *sides))[0]
    return found


def _counted(walked: Mapping[Point, list[Layer]], biases: bool) -> dict[Point, dict[str, int]]:
    return {point: asdict(totals(layers, biases)) for point, layers in walked.items()}
