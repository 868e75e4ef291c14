"""Closed forms of least squares, derived by sympy. L(w) = |X w - t|^2 / n; one step of gradient descent from w_0.

a = X w_0 - t, A = |a|^2, B = |X^T a|^2, C = |X X^T a|^2; eta learning rate, n samples.
"""

import sympy

A, B, C, ETA, N = sympy.symbols("A B C eta n", positive=True)
DECAY, PENALTY, WEIGHT, GRADIENT = sympy.symbols("lambda penalty w g", real=True)


def loss_after_one_step() -> sympy.Expr:
    """L_1(eta) = |a - (2 eta/n) X X^T a|^2 / n, with the square written out: a parabola in eta."""
    step = 2 * ETA / N
    return (A - 2 * step * B + step**2 * C) / N  # the product of a and X X^T a is |X^T a|^2


def curvature() -> sympy.Expr:
    """d^2 L_1 / d eta^2, not negative: L_1 is convex."""
    return sympy.diff(loss_after_one_step(), ETA, 2)


def best_rate() -> sympy.Expr:
    """The eta at which dL_1/d eta is 0."""
    (found,) = sympy.solve(sympy.diff(loss_after_one_step(), ETA), ETA)
    return found


def penalty_of_decay() -> sympy.Expr:
    """The penalty m on |w|^2 with which w - eta (g + 2 m w) is (1 - lambda) w - eta g."""
    decayed = (1 - DECAY) * WEIGHT - ETA * GRADIENT
    penalized = WEIGHT - ETA * (GRADIENT + 2 * PENALTY * WEIGHT)
    (found,) = sympy.solve(sympy.expand(decayed - penalized), PENALTY)
    return found
