"""Totals of a network as formulas in NIC, NF, NC, the kernel k and the picture's sides H and W.

A convolution has k**2 weights for each pair of channels, and k**2 connections for each pair and pixel. So the number
of weights is k**2 A + B, and every other total is H W (k**2 A + B), with polynomials A and B in the channels. Counts
for two kernels determine A and B (``symbolic.fitted``); other networks check the formula.
"""

from collections.abc import Callable

import sympy
import torch
from torch import nn

from colourize.course.arithmetic.layers import Layer, totals
from colourize.course.arithmetic.symbolic import POINTS, SYMBOLS, fitted
from colourize.course.arithmetic.walk import walk
from colourize.errors import InputError

K, H, W = sympy.symbols("k H W", positive=True, integer=True)
SIDE = 8  # pixels of the counted pictures
CHECKS = ((3, 5, 7, 5, 8, 12), (2, 9, 4, 4, 16, 4), (1, 32, 24, 3, 32, 32))  # NIC, NF, NC, k, H, W
RESIZING = "pooling", "upsampling"
Build = Callable[[int, int, int, int], nn.Module]  # from NIC, NF, NC, k


def general(build: Build) -> dict[str, sympy.Expr]:
    """Weights, outputs and connections by name, without biases and batch norm; sides are multiples of 4.

    ``outputs of convolutions`` and ``connections of convolutions`` leave out pooling and upsampling layers.

    Raises:
        InputError: a count does not follow the formula.
    """
    one, two = (
        fitted({point: _counts(build, (*point, kernel, SIDE, SIDE)) for point in POINTS}) for kernel in (1, 2)
    )  # fmt: skip
    found = {name: _formula(name, one[name], two[name]) for name in one}
    for numbers in CHECKS:
        for name, count in _counts(build, numbers).items():
            if found[name].subs(dict(zip((*SYMBOLS, K, H, W), numbers, strict=True))) != count:
                raise InputError(f"the {name} of this network do not follow k**2 and H*W")
    return found


def _formula(name: str, at_1: sympy.Expr, at_2: sympy.Expr) -> sympy.Expr:
    """k**2 A + B from its values A + B at k = 1 and 4 A + B at k = 2."""
    area = sympy.Integer(1) if name == "weights" else H * W
    scale = sympy.Integer(1) if name == "weights" else sympy.Integer(SIDE**2)
    slope = sympy.expand((at_2 - at_1) / 3 / scale)
    return area * (K**2 * slope + sympy.expand(at_1 / scale - slope))


def _counts(build: Build, numbers: tuple[int, ...]) -> dict[str, int]:
    nic, nf, nc, kernel, height, width = numbers
    with torch.device("meta"):
        network = build(nic, nf, nc, kernel)
    layers, _ = walk(network, (nic, height, width))
    every, some = totals(layers), totals([layer for layer in layers if not _resizes(layer)])
    return {
        "weights": every.weights, "outputs": every.outputs, "outputs of convolutions": some.outputs,
        "connections": every.connections, "connections of convolutions": some.connections,
    }  # fmt: skip


def _resizes(layer: Layer) -> bool:
    return layer.kind in RESIZING
