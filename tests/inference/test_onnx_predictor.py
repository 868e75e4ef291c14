"""Exported networks in use by onnxruntime: parity, hostile files, and no torch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from colourize.errors import InputError
from colourize.inference import cards
from colourize.inference.export import onnx_graph
from colourize.inference.onnx_predictor import OnnxPredictor
from colourize.inference.opened import opened
from colourize.inference.predictor import Card
from colourize.inference.torch_predictor import TorchPredictor
from tests.tiny_networks import trained

ROOT = Path(__file__).parent.parent.parent
PALETTE = np.array([[0, 0], [10, 20], [5, 5]], np.float32)
CARD = Card("a.onnx", "lab", PALETTE, 32, 2)


def written(path, nodes, channels=1, card=CARD, out=3, text=None, initializers=()):
    """An .onnx file with a card, of any graph from x to y."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, "h", "w"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", out, "p", "q"])
    made = helper.make_model(helper.make_graph(nodes, "g", [x], [y], list(initializers)),
                             opset_imports=[helper.make_opsetid("", 18)], ir_version=9)  # fmt: skip
    helper.set_model_props(made, {cards.KEY: cards.text(card) if text is None else text})
    path.write_bytes(made.SerializeToString())
    return path


THREE = [helper.make_node("Concat", ["x", "x", "x"], ["y"], axis=1)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    found = trained("pointwise")
    path = tmp_path_factory.mktemp("exported") / "p.onnx"
    path.write_bytes(onnx_graph.graph(found.model, TorchPredictor(found.model).card))
    return path


@pytest.mark.parametrize("threads", [0, 1])
def test_a_network_takes_a_number_of_threads(threads, exported):
    assert opened(exported, threads=threads).session.get_session_options().intra_op_num_threads == threads


@pytest.mark.slow
def test_logits_are_those_of_the_model_at_any_size(exported):
    expected, found = TorchPredictor(trained("pointwise").model), OnnxPredictor(exported, threads=1)
    for shape in ((1, 1, 1, 1), (3, 1, 7, 12), (2, 1, 33, 8)):
        grey = np.random.default_rng(0).random(shape, np.float32)
        np.testing.assert_allclose(found.logits(grey), expected.logits(grey), atol=1e-5)


def test_the_card_is_that_of_the_model(exported):
    expected, found = TorchPredictor(trained("pointwise").model).card, OnnxPredictor(exported).card
    assert np.array_equal(found.palette, expected.palette)
    assert (found.space, found.multiple, found.size) == (expected.space, expected.multiple, expected.size)


def test_an_exported_file_holds_no_path_of_its_writer(exported):
    content = exported.read_bytes()
    assert str(ROOT).encode() not in content and b"pkg.torch" not in content


def test_sides_that_the_graph_does_not_take_are_padded(tmp_path):
    predictor = OnnxPredictor(written(tmp_path / "a.onnx", THREE), threads=1)
    grey = np.random.default_rng(0).random((2, 1, 5, 3), np.float32)
    assert np.array_equal(predictor.logits(grey), np.repeat(grey, 3, 1))


BAD = {
    "a graph that gives two classes": (
        lambda path: written(path, [helper.make_node("Concat", ["x", "x"], ["y"], axis=1)], out=2),
        "its network fails .*instead of scores",
    ),
    "a graph that fails": (
        lambda path: written(
            path,
            [helper.make_node("Reshape", ["x", "s"], ["y"])],
            initializers=[numpy_helper.from_array(np.array([1, 3, 7, 7]), "s")],
        ),
        "its network fails|is damaged or too new",
    ),
    "an input of other channels": (
        lambda path: written(path, [helper.make_node("Relu", ["x"], ["y"])], channels=3),
        "its input must have 1 channels, got 3",
    ),
    "an unknown operator": (
        lambda path: written(path, [helper.make_node("Steal", ["x"], ["y"])]),
        "networks of colourize have no operator Steal, so export its checkpoint to safetensors; pass another file",
    ),
    "an input that nothing gives": (
        lambda path: written(path, [helper.make_node("Relu", ["z"], ["y"])]),
        "is damaged or too new",
    ),
    "a custom operator": (
        lambda path: written(path, [helper.make_node("Steal", ["x"], ["y"], domain="evil")]),
        "operators must belong to the ONNX standard, got evil.Steal",
    ),
    "no card": (lambda path: written(path, THREE, text="{}"), "its card of the network is not valid"),
    "a card of another space": (
        lambda path: written(path, THREE, text=cards.text(CARD).replace('"lab"', '"rgb"')),
        "each colour of the palette must be 3 numbers",
    ),
    "no onnx": (lambda path: path.write_bytes(b"<html>404</html>"), "is damaged or not from colourize export"),
    "onnxruntime's own form": (
        lambda path: path.write_bytes(b"\x18\0\0\0ORTM" + bytes(64)),
        "is damaged or not from",
    ),
    "an empty file": (lambda path: path.write_bytes(b""), "must have one graph, got 0"),
    "no file": (lambda path: None, "no such file; pass one that colourize export wrote"),
    "a folder": (lambda path: path.mkdir(), "must be a regular file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_of_another_kind_is_named_on_one_line(name, tmp_path):
    make, message = BAD[name]
    make(tmp_path / "bad.onnx")
    with pytest.raises(InputError, match=message) as caught:
        OnnxPredictor(tmp_path / "bad.onnx", threads=1).logits(np.zeros((1, 1, 4, 4), np.float32))
    assert "bad.onnx" in str(caught.value) and "\n" not in str(caught.value)


def test_weights_in_another_file_are_never_read(tmp_path):
    (tmp_path / "secret").write_bytes(np.full(3, 7, np.float32).tobytes())
    path = written(tmp_path / "a.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], out=1)
    made = onnx.load(path)
    tensor = made.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    path.write_bytes(made.SerializeToString())
    with pytest.raises(InputError, match="weights must be in the file itself, not in another"):
        OnnxPredictor(path)


WITHOUT = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(name + " is blocked", name=name.partition(".")[0])
sys.meta_path.insert(0, Blocker())
{program}
"""
BLOCKED = ("torch", "torchvision", "hydra", "omegaconf", "pytorch_lightning", "sklearn", "scipy", "matplotlib", "timm",
           "safetensors", "onnx", "onnxscript", "tensorboard", "sympy", "pandas")  # fmt: skip


def without(program, *arguments, cwd):
    script = WITHOUT.format(blocked=BLOCKED, program=program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", script, *arguments], cwd=cwd, env=environment, capture_output=True,
                          text=True)  # fmt: skip


def test_neither_torch_nor_hydra_is_needed(exported, tmp_path):
    program = (
        "import numpy as np\nfrom colourize.inference.onnx_predictor import OnnxPredictor\n"
        "found = OnnxPredictor(sys.argv[1], 1)\n"
        "np.save('logits.npy', found.logits(np.linspace(0, 0.9, 96, dtype=np.float32).reshape(2, 1, 6, 8)))"
    )
    done = without(program, str(exported), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    grey = np.linspace(0, 0.9, 96, dtype=np.float32).reshape(2, 1, 6, 8)
    expected = TorchPredictor(trained("pointwise").model).logits(grey)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, atol=1e-5)


@pytest.mark.slow
def test_the_command_colours_a_photograph_without_them_to_one_level(tmp_path):
    found = trained("pointwise")
    Image.linear_gradient("L").resize((40, 30)).save(tmp_path / "photo.png")
    content = onnx_graph.graph(found.model, TorchPredictor(found.model).card)
    (tmp_path / "p.onnx").write_bytes(content)
    program = "sys.argv[0] = 'colourize'\nfrom colourize.cli.main import main\nmain()"
    words = "photo", "photo.png", "-o", "out.png", "--model"
    done = without(program, *words, "p.onnx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    coloured = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    expected = found.model.colourize(Image.open(tmp_path / "photo.png"))
    assert coloured.shape == (30, 40, 3) and np.ptp(coloured, 2).max() > 0
    assert np.abs(coloured - np.asarray(expected)).max() <= 1
    refused = without(program, *words, "absent.onnx", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and "no such file" in refused.stderr
    whole = without(program, *words, "run", cwd=tmp_path)
    assert (whole.returncode, whole.stderr) == (
        1, "colourize: torch is not installed; this needs all of colourize: pip install '.' in a checkout\n"
    )  # fmt: skip


def test_training_without_them_ends_in_one_line(tmp_path):
    done = without("sys.argv = ['colourize', 'train']\nfrom colourize.cli.main import main\nmain()", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("colourize: hydra is not installed; ")
