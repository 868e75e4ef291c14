"""A whole ONNX graph: grey [N, 1, H, W] -> RGB [N, 3, H, W], both sRGB in [0, 1], any sides, at full resolution.

It holds the formulas of ``inference.working``, ``decoded``, ``upsampling`` and ``space``, without loops or branches.
Interpolations are products with matrices that the graph makes from the picture's size. h, w are sides of cells.
"""

from typing import Any

import numpy as np

from colourize.errors import InputError
from colourize.inference import cards
from colourize.inference.colouring import DEFAULT
from colourize.inference.decoded import WHITE
from colourize.inference.export import graph_formulas, onnx_graph
from colourize.inference.export.graph_formulas import mean_of_neighbours, rescaled
from colourize.inference.export.onnx_nodes import Graph, Value
from colourize.inference.predictor import Card
from colourize.inference.sides import CHANNELS
from colourize.inference.upsampling import EPSILON
from colourize.inference.working import LONGEST

INPUT, OUTPUT = "grey", "rgb"
EXPECTS = f"{INPUT}, float32 [N, 1, H, W], sRGB in [0, 1], any sides"
GIVES = (
    f"{OUTPUT}, float32 [N, 3, H, W], sRGB in [0, 1], with the sides and the luminance of the input; colours are "
    f"decoded as {DEFAULT}"
)
NETWORK = "network."  # prefix of the names of the network's own nodes
Pair = tuple[Value, Value]  # of the height and the width


def joined(network: bytes, card: Card, stride: tuple[int, int]) -> bytes:
    """The network with all that comes before and after it in one graph, with the usual decoding.

    Args:
        network: an ONNX file as ``onnx_graph.graph`` makes it.
        card: of the network.
        stride: pixels of a cell of the logits, down and across.

    Raises:
        InputError: the network's colours are not in lab.
    """
    import onnx
    from onnx import compose

    check(card)
    inner = compose.add_prefix(onnx.load_from_string(network), NETWORK)
    graph = Graph()
    grey = Value(graph, INPUT)
    size = _sides(graph, grey)
    content = _content(graph, size, card.size)
    small = _working(graph, grey, size, content, card.multiple)
    _named(graph, _network_input(graph, small, card.hints), NETWORK + onnx_graph.INPUT)
    graph.nodes += inner.graph.node
    values = _chroma_and_lightness(graph, Value(graph, NETWORK + onnx_graph.OUTPUT), small, card, stride)
    span = [graph.cast(side, np.float64) / np.float64(pixels) for side, pixels in zip(content, stride, strict=True)]
    _named(graph, _full(graph, grey, size, values, (span[0], span[1])), OUTPUT)
    graph.constants += inner.graph.initializer
    return _file(graph, card, inner)


def check(card: Card) -> None:
    """Checks that a network can be written as a whole graph.

    Raises:
        InputError: its colours are not in lab.
    """
    if card.space != "lab":
        raise InputError(f"--whole must have a network with colours in lab, got {card.space}; leave --whole out")


def _file(graph: Graph, card: Card, inner: Any) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    given, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, "height", "width"])
                     for name, channels in ((INPUT, 1), (OUTPUT, 3)))  # fmt: skip
    proto = helper.make_graph(graph.nodes, "colourize", [given], [result], graph.constants)
    model = helper.make_model(
        proto, opset_imports=inner.opset_import, ir_version=inner.ir_version, producer_name="colourize"
    )
    helper.set_model_props(model, {cards.WHOLE: cards.text(card)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _named(graph: Graph, value: Value, name: str) -> None:
    from onnx import helper

    graph.nodes.append(helper.make_node("Identity", [value.name], [name]))


def _sides(graph: Graph, value: Value) -> Pair:
    """Height and width of [N, C, H, W]: int64 scalars."""
    shape = graph("Shape", value)
    return graph("Gather", shape, np.int64(2)), graph("Gather", shape, np.int64(3))


def _content(graph: Graph, size: Pair, working: int) -> Pair:
    """The sides of the picture that the network sees, as in ``working.seen``."""
    height, width = (graph.cast(side, np.float64) for side in size)
    least, most = graph("Min", height, width), graph("Max", height, width)
    scale = graph("Min", np.float64(working) / least, np.float64(LONGEST * working) / most)
    tall, wide = (graph("Max", graph("Round", side * scale), np.float64(1)) for side in (height, width))
    return graph.cast(tall, np.int64), graph.cast(wide, np.int64)


def _working(graph: Graph, grey: Value, size: Pair, content: Pair, multiple: int) -> Value:
    """The picture at its working size, its border repeated up to multiples: [N, 1, h', w']."""
    down, across = (
        rescaled(graph, "lanczos", *each) for each in zip(content, size, _doubles(graph, size), strict=True)
    )
    small = _levels(graph, down @ _levels(graph, grey @ _turned(graph, across)))
    for axis, side in ((2, content[0]), (3, content[1])):
        blocks = graph("Div", side + np.int64(multiple - 1), np.int64(multiple))
        places = graph("Range", np.int64(0), blocks * np.int64(multiple), np.int64(1))
        small = graph("Gather", small, graph("Min", places, side - np.int64(1)), axis=axis)
    return small


def _levels(graph: Graph, values: Value) -> Value:
    """Rounded to 8 bits, as Pillow does after each pass: networks are trained with such pictures."""
    return graph("Clip", graph("Round", values * 255) / 255, 0.0, 1.0)


def _turned(graph: Graph, matrix: Value) -> Value:
    return graph("Transpose", matrix, perm=[1, 0])


def _doubles(graph: Graph, sides: Pair) -> Pair:
    return graph.cast(sides[0], np.float64), graph.cast(sides[1], np.float64)


def _scaled(graph: Graph, values: Value, kernel: str, size: Pair, old: Pair, span: Pair) -> Value:
    """[N, C, old] -> [N, C, size]."""
    down, across = (rescaled(graph, kernel, *each) for each in zip(size, old, span, strict=True))
    return down @ (values @ _turned(graph, across))


def _network_input(graph: Graph, small: Value, hints: bool) -> Value:
    """[N, 1, h', w'], or [N, 5, h', w'] without any hint for a network that takes them."""
    lightness = graph("Clip", graph_formulas.lightness(graph, small) / 100, 0.0, 1.0) * WHITE
    if not hints:
        return lightness
    return graph("Pad", lightness, np.array([0, 0, 0, 0, 0, CHANNELS - 1, 0, 0]), 0.0)


def _chroma_and_lightness(graph: Graph, logits: Value, small: Value, card: Card, stride: tuple[int, int]) -> Value:
    """a, b and L of the cells: [N, 3, h, w]."""
    shares = graph("Softmax", logits / (card.temperature * DEFAULT.temperature), axis=1)
    chroma = graph("Conv", shares, card.palette.T[:, :, None, None].copy())
    lightness = graph_formulas.lightness(graph, small)
    lightness = graph("AveragePool", lightness, kernel_shape=list(stride), strides=list(stride))
    return graph("Concat", chroma, lightness, axis=1)


def _full(graph: Graph, grey: Value, size: Pair, values: Value, span: Pair) -> Value:
    """The picture at full resolution, as ``upsampling.Upsampler`` interpolates it: [N, 3, H, W]."""
    cells = _sides(graph, values)
    smooth = _scaled(graph, values, "cubic", size, cells, span)
    slopes = _scaled(graph, _slopes(graph, values), "linear", size, cells, span)
    lost = graph_formulas.lightness(graph, grey) - _channels(graph, smooth, 2, 3)
    chroma = _channels(graph, smooth, 0, 2) + slopes * lost
    return graph_formulas.joined(graph, grey, (_channels(graph, chroma, 0, 1), _channels(graph, chroma, 1, 2)))


def _slopes(graph: Graph, values: Value) -> Value:
    """``upsampling.slopes``: [N, 3, h, w] -> [N, 2, h, w]."""
    chroma, lightness = _channels(graph, values, 0, 2), _channels(graph, values, 2, 3) - 50.0  # 50: less rounding
    mean, means = mean_of_neighbours(graph, lightness), mean_of_neighbours(graph, chroma)
    covariance = mean_of_neighbours(graph, lightness * chroma) - mean * means
    variance = mean_of_neighbours(graph, lightness * lightness) - mean * mean
    return covariance / (variance + EPSILON)


def _channels(graph: Graph, values: Value, first: int, end: int) -> Value:
    return graph("Slice", values, np.array([first]), np.array([end]), np.array([1]))
