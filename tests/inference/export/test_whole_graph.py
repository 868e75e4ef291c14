"""The graph from grey pictures to coloured ones, against the colours of ``colourize photo``, which works in numpy."""

import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from colourize.errors import InputError
from colourize.inference import colouring, onnx_file
from colourize.inference.export import whole_graph, whole_parity
from colourize.inference.export.onnx_nodes import Graph, Value
from tests.predictors import Pointwise
from tests.textured import textured

STRIDE = 4


def network(predictor):
    """The ONNX file of ``Pointwise``."""
    graph = Graph()
    cells = graph("AveragePool", Value(graph, "grey"), kernel_shape=[STRIDE, STRIDE], strides=[STRIDE, STRIDE])
    centres = np.linspace(0, 1, len(predictor.card.palette), dtype=np.float32)[:, None, None]
    scores = graph("Pow", cells - centres, 2.0) * -predictor.sharp
    graph.nodes.append(helper.make_node("Identity", [scores.name], ["logits"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("grey", "logits")]
    proto = helper.make_graph(graph.nodes, "pointwise", ends[:1], ends[1:], graph.constants)
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


@pytest.fixture(scope="module")
def predictor():
    return Pointwise(STRIDE)


@pytest.fixture(scope="module")
def content(predictor):
    return whole_graph.joined(network(predictor), predictor.card, (STRIDE, STRIDE))


@pytest.fixture(scope="module")
def coloured(content):
    """Colours greys of one size: uint8 [H, W] each -> levels [N, H, W, 3]."""
    session = onnxruntime.InferenceSession(content)

    def run(*greys):
        (rgb,) = session.run(None, {"grey": np.stack(greys)[:, None] / np.float32(255)})
        return np.rint(np.moveaxis(rgb, 1, -1) * 255).astype(int)

    return run


def grey(width, height, seed=0):
    return np.asarray(textured(seed, width, height).convert("L"))


@pytest.mark.parametrize("sides", [(1, 1), (1, 60), (300, 1), (17, 23), (32, 32), (33, 90), (70, 81), (400, 30)])
def test_pictures_of_any_size_get_the_colours_of_photographs_to_one_level(sides, coloured, predictor):
    picture = grey(*sides)
    expected = colouring.coloured(predictor, picture).pictures[0]
    (found,) = coloured(picture)
    assert np.ptp(expected, axis=-1).max() > 10  # it is in colour
    assert np.abs(found - expected).max() <= 1


def test_several_pictures_at_once_get_the_same_colours_as_alone(coloured):
    pictures = [grey(40, 50, seed) for seed in range(3)]
    alone = [coloured(picture)[0] for picture in pictures]
    assert np.abs(coloured(*pictures) - np.stack(alone)).max() <= 1


def test_the_example_of_the_documentation_colours_a_scan(content, predictor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("whole.onnx").write_bytes(content)
    Image.fromarray(grey(60, 50)).save("scan.png")
    page = (Path(__file__).parents[3] / "docs/export.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(example.replace("scan.jpg", "scan.png"), {})  # without the loss of JPEG
    found = np.asarray(Image.open("coloured.png")).astype(int)
    assert np.abs(found - colouring.coloured(predictor, grey(60, 50)).pictures[0]).max() <= 1


def test_its_graph_has_only_standard_operators_without_loops_and_its_card(content):
    assert '"name": "pointwise"' in onnx_file.metadata(content)["colourize whole"]


def test_colours_of_other_spaces_are_refused(predictor):
    with pytest.raises(InputError, match="must have a network with colours in lab, got rgb"):
        whole_graph.joined(network(predictor), Pointwise(STRIDE, space="rgb").card, (STRIDE, STRIDE))


def test_the_comparison_finds_another_palette_and_accepts_the_own(content, predictor):
    pictures = [np.asarray(textured(seed)) for seed in range(2)]
    same = whole_parity.compared(content, predictor, pictures)
    assert same.largest <= 1 and same.pictures == 2
    whole_parity.check(same)
    other = whole_parity.compared(content, Pointwise(STRIDE, neutral=True), pictures)
    with pytest.raises(InputError, match=r"colours differ by \S+ levels in the mean .* nothing is written"):
        whole_parity.check(other)
    whole_parity.check(other, lossy=True)
