"""The page beside an exported file."""

import numpy as np
import pytest

from colourize.inference.export import exported, model_card, pictures
from colourize.inference.export.exported import Form
from tests.tiny_networks import COLOURS, trained

GIVEN = pictures.Chosen([np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)], "noises")


@pytest.fixture
def written(tmp_path):
    return exported.export(trained("pointwise"), tmp_path / "mine.safetensors", Form("safetensors"), GIVEN)


def test_the_page_says_what_was_trained_how_and_how_it_was_checked(written):
    page = model_card.text(written, trained("pointwise"))
    count = sum(parameter.numel() for parameter in trained("pointwise").model.parameters())
    assert page.startswith("# mine.safetensors\n") and f"(PointwiseNet, {count:,} weights)" in page
    assert f"each of {COLOURS} colours" in page and f"The file was {written.checked}" in page
    assert "| model | PointwiseNet |" in page and "| data | scenes |" in page and "| colour_space | lab |" in page
    assert "colourize photo photo.jpg -o coloured.jpg --model mine.safetensors" in page
    assert "Not measured." in page and "Not stated." in page and "## Limits" in page


def test_figures_and_licence_are_those_given(written):
    table = [["", "skill"], ["UNet", "0.1"]]
    page = model_card.text(written, trained("pointwise"), "CC0: no rights reserved.", table, "Of the test.")
    assert "Of the test.\n\n|  | skill |\n| --- | --: |\n| UNet | 0.1 |" in page
    assert page.endswith("## Licence of the weights\n\nCC0: no rights reserved.\n")


def test_the_page_of_a_torchscript_file_names_its_own_program(written):
    page = model_card.text(written._replace(form=Form("torchscript")), trained("pointwise"))
    assert "torch::jit::load" in page


def test_the_page_of_a_whole_graph_describes_pictures_and_no_logits(written):
    page = model_card.text(written._replace(form=Form("onnx", whole=True)), trained("pointwise"))
    assert "Input: grey, float32 [N, 1, H, W], sRGB in [0, 1]" in page and "annealed:0.4" in page
    assert "logits, float32" not in page and "colourize does not open it" in page


def test_names_are_text_and_no_markdown(written):
    odd = written._replace(card=written.card.__class__(**{**vars(written.card), "name": "a|b`*.onnx"}))
    page = model_card.text(odd, trained("pointwise"))
    assert page.startswith("# a\\|b\\`\\*.onnx\n") and "--model 'a|b`*.onnx'" in page


def test_the_page_lies_beside_the_file(written, tmp_path):
    place = model_card.write(written.path, "# text\n")
    assert place == tmp_path / "mine.safetensors.md" and place.read_text() == "# text\n"
