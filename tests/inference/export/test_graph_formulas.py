"""Formulas in an ONNX graph, against Pillow and numpy."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from colourize.inference import space, upsampling
from colourize.inference.export import graph_formulas
from colourize.inference.export.onnx_nodes import Graph, Value

RNG = np.random.default_rng(0)
OPSET = 18


def run(formula, **inputs):
    """Builds a graph of the inputs, runs it, gives its result."""
    graph = Graph()
    result = formula(graph, *(Value(graph, name) for name in inputs))
    types = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in inputs.items()}
    given = [helper.make_tensor_value_info(name, types[name], value.shape) for name, value in inputs.items()]
    wanted = [helper.make_tensor_value_info(result.name, TensorProto.FLOAT, None)]
    proto = helper.make_graph(graph.nodes, "test", given, wanted, graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)[0]


@pytest.mark.parametrize(("kernel", "filter"), [("linear", "BILINEAR"), ("cubic", "BICUBIC"), ("lanczos", "LANCZOS")])
@pytest.mark.parametrize(
    ("old", "size", "span"), [(20, 7, 20), (7, 20, 6.3), (1, 5, 1), (5, 1, 5), (9, 9, 9), (30, 11, 28.7)]
)
def test_a_matrix_resamples_as_pillow_does(kernel, filter, old, size, span):
    matrix = run(
        lambda graph, *sides: graph_formulas.rescaled(graph, kernel, *sides),
        size=np.array(size), old=np.array(old), span=np.array(float(span)),
    )  # fmt: skip
    values = RNG.random((1, old), np.float32)
    expected = Image.fromarray(values).resize((size, 1), Image.Resampling[filter], box=(0, 0, span, 1))
    assert matrix.shape == (size, old)
    np.testing.assert_allclose(values @ matrix.T, np.asarray(expected), atol=1e-5)


def test_lightness_is_that_of_the_photographs():
    grey = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(run(graph_formulas.lightness, grey=grey), space.lightness(grey), atol=1e-4)


def test_colours_are_joined_with_the_luminance_and_fitted_to_the_gamut_as_in_photographs():
    levels = RNG.integers(0, 256, (50, 60), np.uint8)
    chroma = RNG.normal(0, 40, (2, 50, 60)).astype(np.float32)
    expected, outside = space.joined(levels, chroma)
    assert 500 < outside < 2500
    rgb = run(
        lambda graph, grey, a, b: graph_formulas.joined(graph, grey, (a, b)),
        grey=(levels / np.float32(255))[None, None], a=chroma[None, :1], b=chroma[None, 1:],
    )  # fmt: skip
    found = np.rint(np.moveaxis(rgb[0], 0, -1) * 255)
    assert np.abs(found - expected).max() <= 1 and np.abs(found - expected).mean() < 0.02


def test_a_mean_of_neighbours_leaves_out_what_is_outside():
    lightness = RNG.random((4, 6)).astype(np.float32) * 100
    chroma = RNG.normal(0, 20, (2, 4, 6)).astype(np.float32)
    mean = lambda values: run(graph_formulas.mean_of_neighbours, values=values.astype(np.float32))  # noqa: E731
    covariance = mean((lightness * chroma)[None]) - mean(lightness[None, None]) * mean(chroma[None])
    variance = mean((lightness**2)[None, None]) - mean(lightness[None, None]) ** 2
    found = covariance / (variance + upsampling.EPSILON)
    np.testing.assert_allclose(found[0], upsampling.slopes(chroma, lightness), atol=1e-3)
