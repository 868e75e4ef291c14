"""Formulas of ``inference.space`` and ``inference.upsampling`` as nodes of an ONNX graph. A value is [N, C, H, W]."""

import math
from functools import partial
from typing import Any

import numpy as np

from colourize.colour import constants
from colourize.inference import space
from colourize.inference.export.onnx_nodes import Graph, Value

Chroma = tuple[Value, Value]
TINY = 1e-4  # where sin(x) / x is 1 to 2e-9


def rescaled(graph: Graph, kernel: str, size: Value, old: Value, span: Value) -> Value:
    """The matrix of Pillow's resampling from ``old`` to ``size`` pixels, float32 [size, old]; its rows sum to 1.

    Args:
        graph: gets the nodes.
        kernel: linear, cubic or lanczos.
        size, old: int64 scalars.
        span: float64 scalar: only the first ``span`` of the old pixels become the new ones.
    """
    kernels = {"linear": (_linear, 1), "cubic": (_cubic, 2), "lanczos": (_lanczos, 3)}
    function, support = kernels[kernel]
    step = span / graph.cast(size, np.float64)
    centres = (_range(graph, size) + np.float64(0.5)) * step
    distance = _range(graph, old) + np.float64(0.5) - graph("Unsqueeze", centres, np.array([1]))
    x = graph.cast(distance / graph("Max", step, np.float64(1)), np.float32)
    weights = graph("Where", graph("Abs", x) < support, function(graph, x), 0.0)
    return weights / graph("ReduceSum", weights, np.array([1]), keepdims=1)


def _range(graph: Graph, size: Value) -> Value:
    """0, 1, ..., size - 1: float64 [size]."""
    return graph.cast(graph("Range", np.int64(0), size, np.int64(1)), np.float64)


def _linear(graph: Graph, x: Value) -> Value:
    return 1.0 - graph("Abs", x)


def _cubic(graph: Graph, x: Value) -> Value:
    """Keys 1981 with a = -0.5, as in Pillow."""
    x = graph("Abs", x)
    return graph("Where", x < 1, (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2)


def _lanczos(graph: Graph, x: Value) -> Value:
    """sinc(x) sinc(x / 3)."""
    x = graph("Max", graph("Abs", x), TINY) * math.pi
    return graph("Sin", x) / x * (graph("Sin", x / 3) / (x / 3))


def linear(graph: Graph, srgb: Value) -> Value:
    """``space.linear``."""
    return graph("Where", srgb <= 0.04045, srgb / 12.92,
                 graph("Pow", (graph("Max", srgb, 0.04045) + 0.055) / 1.055, 2.4))  # fmt: skip


def encoded(graph: Graph, light: Value) -> Value:
    """``space.encoded``."""
    return graph("Where", light <= 0.0031308, 12.92 * light,
                 1.055 * graph("Pow", graph("Max", light, 0.0031308), 1 / 2.4) - 0.055)  # fmt: skip


def root(graph: Graph, light: Value) -> Value:
    """CIELAB's f."""
    return graph("Where", light > constants.THRESHOLD, graph("Pow", graph("Max", light, constants.THRESHOLD), 1 / 3),
                 constants.SLOPE * light + 16 / 116)  # fmt: skip


def lightness(graph: Graph, srgb: Value) -> Value:
    """``space.lightness``: L in [0, 100] of sRGB greys in [0, 1]."""
    return 116 * root(graph, linear(graph, srgb)) - 16


def joined(graph: Graph, grey: Value, chroma: Chroma) -> Value:
    """``space.joined``: sRGB [N, 3, H, W] in [0, 1] of greys in [0, 1] and (a, b), reduced to fit the gamut."""
    light = linear(graph, grey)
    rgb = partial(_linear_rgb, graph, light, root(graph, light))
    ends = partial(_inside, graph)
    fits, step = graph.value(0.0), 1.0
    for _ in range(space.STEPS):
        step /= 2
        fits = fits + step * ends(rgb(_times(chroma, fits + step)))
    share = graph("Max", fits, ends(rgb(chroma)))  # 1 where the whole chroma fits
    channels = [encoded(graph, graph("Clip", each, 0.0, 1.0)) for each in rgb(_times(chroma, share))]
    return graph("Concat", *channels, axis=1)


def _times(chroma: Chroma, share: Value) -> Chroma:
    return chroma[0] * share, chroma[1] * share


def _linear_rgb(graph: Graph, light: Value, root: Value, chroma: Chroma) -> list[Value]:
    x = _cube(graph, root + chroma[0] * (1 / 500)) - light
    z = _cube(graph, root - chroma[1] * (1 / 200)) - light
    return [light + float(row[0]) * x + float(row[2]) * z for row in space.RGB_OF_XYZ]


def _cube(graph: Graph, root: Value) -> Value:
    line = (root - 16 / 116) * (1 / constants.SLOPE)
    return graph("Where", root > constants.THRESHOLD ** (1 / 3), root * root * root, line)


def _inside(graph: Graph, rgb: list[Value]) -> Value:
    """1 where linear RGB is in the gamut, else 0: float32."""
    inside = graph("And", graph("Min", *rgb) >= -space.INSIDE, graph("Max", *rgb) <= 1 + space.INSIDE)
    return graph.cast(inside, np.float32)


def mean_of_neighbours(graph: Graph, values: Value) -> Value:
    """Mean over 3x3 cells, of those inside."""
    options: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 0}
    return graph("AveragePool", values, **options)
