"""Exports of every network of conf/model, by discovery: the file gives the checkpoint's scores."""

import functools
import io
import json
import re
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import colourize
from colourize.colour.hints import CHANNELS
from colourize.errors import InputError
from colourize.inference.export import exported, onnx_graph, openvino_model, parity, pictures, quantized, torch_script
from colourize.inference.export.exported import SUFFIXES, Form
from colourize.inference.onnx_predictor import OnnxPredictor
from colourize.inference.opened import opened
from colourize.inference.openvino_file import joined
from colourize.inference.torch_predictor import TorchPredictor
from tests.nets import MODELS
from tests.tiny_networks import trained

SLOW = "encoder_unet", "resunet", "resunet_small", "unet_full", "unet_half"  # five seconds and more to trace
EACH = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MODELS]
# by module: the tests of a network follow each other, and so mostly share one worker of xdist and one export
NETWORKS = pytest.mark.parametrize("name", EACH, scope="module")
RNG = np.random.default_rng(0)
GIVEN = pictures.Chosen([RNG.integers(0, 256, shape, np.uint8) for shape in ((32, 48, 3), (64, 32, 3))], "noises")


@functools.cache
def graph(name, hints=False):
    model = trained(name, hints=hints).model
    return onnx_graph.graph(model, TorchPredictor(model).card)


def greys(card, channels=1):
    """Batches and sides of several sizes, the smallest among them."""
    shapes = (1, 1, 1), (3, 2, 5), (2, 4, 3)
    return [RNG.random((n, channels, h * card.multiple, w * card.multiple), np.float32) for n, h, w in shapes]


@pytest.mark.slow
@NETWORKS
def test_onnx_gives_the_scores_of_every_network_for_any_sides_and_batch(name, tmp_path):
    predictor = TorchPredictor(trained(name).model)
    (tmp_path / "a.onnx").write_bytes(graph(name))
    found = parity.compared(predictor.logits, OnnxPredictor(tmp_path / "a.onnx", 1).logits, greys(predictor.card))
    assert max(found.logits, found.probabilities) < 1e-5


@pytest.mark.parametrize("name", MODELS)
def test_torchscript_gives_the_scores_of_every_network(name):
    model = trained(name).model
    predictor = TorchPredictor(model)
    scores = torch_script.scores(torch_script.script(model, predictor.card), predictor.card)
    assert parity.compared(predictor.logits, scores, greys(predictor.card)).logits < 1e-5


@pytest.mark.slow
@NETWORKS
def test_openvino_gives_the_scores_of_every_network(name, tmp_path):
    predictor = TorchPredictor(trained(name).model)
    path = tmp_path / "a.openvino"
    path.write_bytes(joined(openvino_model.converted(graph(name), predictor.card)))
    assert parity.compared(predictor.logits, opened(path).logits, greys(predictor.card)).logits < 1e-4


@pytest.mark.slow
def test_a_network_with_hints_takes_them(tmp_path):
    predictor = TorchPredictor(trained("resunet_small", hints=True).model)
    (tmp_path / "a.onnx").write_bytes(graph("resunet_small", hints=True))
    found = OnnxPredictor(tmp_path / "a.onnx", 1)
    assert found.card.hints
    for channels in (1, 1 + CHANNELS):
        assert parity.compared(predictor.logits, found.logits, greys(predictor.card, channels)).logits < 1e-5


@pytest.mark.parametrize("format", SUFFIXES)
def test_the_file_is_opened_by_what_it_ends_in(format, tmp_path):
    mine = trained("pointwise")
    path = tmp_path / f"mine{SUFFIXES[format]}"
    written = exported.export(mine, path, Form(format), GIVEN)
    assert written.difference.pictures == 2 and written.difference.logits < 1e-5
    assert re.match(r"compared with its checkpoint on 2 noises: largest difference \S+ of logits", written.checked)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    if format == "torchscript":
        with pytest.raises(InputError, match="a TorchScript file can run any code, so it is not opened"):
            opened(path)
        return
    predictor, expected = opened(path), TorchPredictor(mine.model)
    grey = RNG.random((2, 1, 16, 32), np.float32)
    np.testing.assert_allclose(predictor.logits(grey), expected.logits(grey), atol=1e-5)
    card = predictor.card
    assert (card.name, card.space, card.temperature) == (path.name, "lab", mine.temperature)
    assert np.array_equal(card.palette, expected.card.palette)


def test_weights_halve_and_what_is_lost_is_said(tmp_path):
    sizes = {}
    for half in (False, True):
        path = tmp_path / f"{half}.safetensors"
        written = exported.export(trained("unet"), path, Form("safetensors", half=half), GIVEN)
        sizes[half] = path.stat().st_size
        assert ("keep their most probable colour" in written.checked) is half
    assert written.difference.logits > 0
    assert sizes[True] < 0.75 * sizes[False]
    assert colourize.load(path).palette.dtype == torch.float32


@pytest.mark.slow
def test_int8_quarters_the_weights_and_says_what_is_lost(tmp_path):
    path = tmp_path / "small.onnx"
    written = exported.export(trained("convtranspose"), path, Form("onnx", int8=True), GIVEN)
    types = {tensor.name: tensor.data_type for tensor in onnx.load(path).graph.initializer if len(tensor.dims) == 4}
    assert types and set(types.values()) == {onnx.TensorProto.INT8}
    assert 0 < written.difference.logits < 1 and written.difference.pictures == 1
    assert "of the pixels keep their most probable colour" in written.checked
    assert opened(path).card.name == "small.onnx"


@pytest.mark.slow
def test_a_whole_graph_colours_as_the_checkpoint_and_is_not_opened_as_a_network(tmp_path):
    path = tmp_path / "whole.onnx"
    written = exported.export(trained("pointwise"), path, Form("onnx", whole=True), GIVEN)
    assert re.search(r"; colours differ by \S+ levels of 255 in the mean, [012] at most$", written.checked)
    session = onnxruntime.InferenceSession(path)
    assert [each.name for each in (*session.get_inputs(), *session.get_outputs())] == ["grey", "rgb"]
    with pytest.raises(InputError, match="is a whole graph for other programs; pass one exported without --whole"):
        opened(path)


@pytest.mark.slow
def test_a_whole_graph_of_an_int8_network_says_how_its_colours_differ(tmp_path):
    written = exported.export(trained("pointwise"), tmp_path / "a.onnx", Form("onnx", int8=True, whole=True), GIVEN)
    assert "colours differ by" in written.checked


def test_an_export_that_differs_is_refused_and_what_was_there_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"before")
    monkeypatch.setattr(exported, "load", lambda *given: trained("unet"))
    with pytest.raises(InputError, match="nothing is written; pass another --format"):
        exported.export(trained("convtranspose"), path, Form("safetensors"), GIVEN)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_a_network_that_torch_cannot_export_is_refused_in_one_line(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, grey):
            return grey.expand(-1, 5, -1, -1) * (2 if grey.sum().item() > 3 else 1)

    mine = trained("pointwise")
    odd = mine._replace(model=colourize.Model(Odd(), mine.model.palette, "lab"))
    with pytest.raises(InputError, match="torch cannot export this network to ONNX") as caught:
        exported.export(odd, tmp_path / "a.onnx", Form("onnx"), GIVEN)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_the_files_tell_other_programs_what_goes_in_and_comes_out():
    model = trained("pointwise").model
    card = TorchPredictor(model).card
    (entry,) = onnx.load_from_string(graph("pointwise")).metadata_props
    extra = {"colourize": ""}
    torch_content = torch_script.script(model, card)
    with zipfile.ZipFile(io.BytesIO(torch_content)) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("extra/colourize"))
        extra["colourize"] = archive.read(name).decode()
    stored = json.loads(entry.value)
    assert entry.key == "colourize" and json.loads(extra["colourize"]) == stored
    assert stored["input"].startswith("grey, float32 [N, 1, h, w]")
    assert len(stored["palette"]) == len(card.palette)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, None, False, False), "--format must be one of safetensors, onnx, torchscript, openvino"),
        (("a.zip", None, False, False), "--format must be one of"),
        (("a.onnx", "safetensors", False, False), "a.onnx must end in .safetensors"),
        (("a.onnx", None, True, False), "--half is for --format safetensors and openvino, got onnx"),
        (("a.openvino", None, False, True), "--int8 is for --format onnx, got openvino"),
        (("a.openvino", None, False, False, True), "--whole is for --format onnx, got openvino"),
        (("absent/a.onnx", None, False, False), "there is no folder absent"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, *rest = arguments
    with pytest.raises(InputError, match=re.escape(message)):
        exported.form(None if path is None else tmp_path.__class__(path), *rest)


def test_the_format_follows_from_the_name_of_the_file(tmp_path):
    for name, suffix in SUFFIXES.items():
        assert exported.form(tmp_path / f"a{suffix.upper()}", None, False, False) == Form(name)


def test_what_onnxruntime_cannot_quantize_is_refused_in_one_line():
    with pytest.raises(InputError, match="onnxruntime cannot quantize it"):
        quantized.int8(b"no onnx", [])
