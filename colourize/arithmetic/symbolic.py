"""Totals of a network as polynomials in its numbers of channels.

A count is a sum of products of at most two of NIC, NF and NC, so it is a polynomial of degree 2 at most: its ten
coefficients follow exactly from ten counted networks, and further networks check them.
"""

import itertools
from collections.abc import Callable
from dataclasses import asdict

import sympy
import torch
from torch import nn

from colourize.arithmetic.layers import totals
from colourize.arithmetic.walk import walk
from colourize.errors import InputError

NIC, NF, NC = SYMBOLS = sympy.symbols("NIC NF NC", positive=True, integer=True)
MONOMIALS = [sympy.Mul(*factors) for factors in itertools.combinations_with_replacement((1, *SYMBOLS), 2)]
LATTICE = [(1 + i, 1 + j, 1 + k) for i, j, k in itertools.product(range(3), repeat=3) if i + j + k <= 2]
CHECKS = (3, 5, 7), (1, 32, 24), (2, 9, 4)
Build = Callable[[int, int, int], nn.Module]  # from NIC, NF, NC


def polynomials(build: Build, sides: tuple[int, int], biases: bool = False) -> dict[str, sympy.Expr]:
    """Totals by name as functions of NIC, NF and NC, for pictures [NIC, H, W]; ``sides`` are H and W.

    Raises:
        InputError: a count that is no such polynomial.
    """
    points = [*LATTICE, *CHECKS]
    counted = {point: _counts(build, point, sides, biases) for point in points}
    matrix = sympy.Matrix([[monomial_at(term, point) for term in MONOMIALS] for point in LATTICE])
    solved = {}
    for name in counted[LATTICE[0]]:
        values = sympy.Matrix([counted[point][name] for point in LATTICE])
        coefficients = matrix.LUsolve(values)
        polynomial = sum(c * term for c, term in zip(coefficients, MONOMIALS, strict=True))
        for point in CHECKS:
            if monomial_at(polynomial, point) != counted[point][name]:
                raise InputError(f"the {name} of this network are no polynomial of degree 2 in NIC, NF and NC")
        solved[name] = polynomial
    return solved


def monomial_at(term: sympy.Expr, point: tuple[int, int, int]) -> sympy.Expr:
    """An expression in NIC, NF and NC at numbers for them."""
    return sympy.sympify(term).subs(dict(zip(SYMBOLS, point, strict=True)))


def _counts(build: Build, point: tuple[int, int, int], sides: tuple[int, int], biases: bool) -> dict[str, int]:
    with torch.device("meta"):
        network = build(*point)
    layers, _ = walk(network, (point[0], *sides))
    return asdict(totals(layers, biases))
