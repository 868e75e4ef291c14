"""``colourize export`` as typed on the command line."""

import json
import shutil

import pytest

import colourize
from colourize.cli.main import main
from colourize.inference.opened import opened


@pytest.fixture
def typed(monkeypatch, tmp_path, capsys):
    def run(*words):
        monkeypatch.setattr("sys.argv", ["colourize", "export", *map(str, words)])
        main()
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    return run


def test_a_run_folder_gives_its_best_network_and_a_card_with_its_figures(finished_run, typed, tmp_path):
    shutil.copytree(finished_run, "mine")
    printed = typed("mine", "--format", "safetensors", "--licence", "CC0")
    assert "mine.safetensors: 0.0" in printed and "the network of mine/checkpoints/best.ckpt" in printed
    assert "pictures of scenes: largest difference 0 of logits" in printed
    assert colourize.load("mine.safetensors").about.name == "mine.safetensors"
    page = (tmp_path / "mine.safetensors.md").read_text()
    assert "| look-up table |" in page and page.endswith("CC0\n")
    figures = json.loads((finished_run / "evaluation.json").read_text())
    assert all(f"| {name} |" in page for name in figures)


@pytest.mark.slow
def test_the_name_of_the_file_chooses_the_format(finished_run, typed):
    printed = typed(finished_run / "checkpoints/last.ckpt", "-o", "a.onnx")
    assert "a.onnx.md: its model card" in printed
    assert opened("a.onnx").card.config["model"]["name"] == "convtranspose"


def test_a_whole_graph_must_have_a_network_in_lab(finished_run, typed):
    with pytest.raises(SystemExit, match="--whole must have a network with colours in lab, got rgb; leave --whole out"):
        typed(finished_run, "-o", "a.onnx", "--whole")


def test_a_fitted_temperature_goes_along(held_out_run, typed, tmp_path):
    from colourize.runs.temperature import write_temperature

    shutil.copytree(held_out_run, "mine")
    write_temperature(tmp_path / "mine/checkpoints/best.ckpt", 1.5, 6)
    typed("mine", "--format", "safetensors")
    assert colourize.load("mine.safetensors").about.temperature == opened("mine.safetensors").card.temperature == 1.5


def test_exported_weights_can_be_exported_again(finished_run, typed):
    typed(finished_run, "-o", "a.safetensors")
    printed = typed("a.safetensors", "-o", "b.torchscript")
    assert "the network of a.safetensors" in printed


def test_a_network_is_not_replaced_by_its_export(finished_run, typed, tmp_path):
    typed(finished_run, "-o", "a.safetensors")
    before = (tmp_path / "a.safetensors").read_bytes()
    with pytest.raises(SystemExit, match="a.safetensors is the network itself; pass another -o"):
        typed("a.safetensors", "-o", "a.safetensors", "--half")
    assert (tmp_path / "a.safetensors").read_bytes() == before


def test_other_pictures_check_it(finished_run, picture_folder, typed):
    with pytest.raises(SystemExit, match="does not apply to a trained run"):
        typed(finished_run, "kernel=3", "-o", "a.safetensors")
    with pytest.raises(SystemExit, match="there is no folder absent"):
        typed(finished_run, "-o", "absent/a.safetensors")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent", "--format", "onnx"], "colourize: absent "),
        (["RUN"], "--format must be one of safetensors, onnx, torchscript, openvino, or FILE must end in"),
        (["RUN", "-o", "a.onnx", "--half"], "--half is for --format safetensors and openvino"),
        (["RUN", "-o", "a.onnx", "--evaluation", "absent.json"], "absent.json: no such file"),
        (["RUN", "--format", "pickle"], "invalid choice: 'pickle'"),
    ],
)
def test_a_user_error_is_one_line(words, message, finished_run, typed, tmp_path):
    with pytest.raises(SystemExit) as caught:
        typed(*(finished_run if word == "RUN" else word for word in words))
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
