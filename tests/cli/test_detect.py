"""``colourize detect`` as typed on the command line."""

import json
import sys

import pytest
import torch
from PIL import Image

from colourize.cli.main import main
from colourize.models.yolox import YOLOX
from tests.commands import refused


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of YOLOX-nano with random weights."""
    path = tmp_path_factory.mktemp("weights") / "nano.pth"
    torch.save(YOLOX().state_dict(), path)
    return path


@pytest.fixture
def typed(weights, tmp_path, monkeypatch):
    """Types the command in a folder with in/a.png and in/b/c.jpg."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "b").mkdir(parents=True)
    for name in ("a.png", "b/c.jpg"):
        Image.new("RGB", (50, 30), (90, 120, 60)).save(tmp_path / "in" / name)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["colourize", "detect", *words, "--model", str(weights), "--size", "64"])
        main()

    return run


def test_a_folder_is_mirrored_with_boxes_and_json(typed, tmp_path, capsys):
    typed("in", "-o", "out", "--least", "0", "--overlap", "0.1", "--classes", "person,apple,dog", "--json", "all.json")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == [
        "a.png", "a.png.json", "c.jpg", "c.jpg.json"
    ]  # fmt: skip
    everything = json.loads((tmp_path / "all.json").read_text())
    assert everything["in/a.png"] == json.loads((tmp_path / "out" / "a.png.json").read_text())
    assert {box["class"] for each in everything.values() for box in each["boxes"]} <= {"person", "apple", "dog"}
    with Image.open(tmp_path / "out" / "b" / "c.jpg") as image:
        assert image.size == (50, 30)
    assert "in 2 pictures" in capsys.readouterr().err
    typed("in", "-o", "out")
    assert "2 already there" in capsys.readouterr().err


def test_one_picture_becomes_one_file_and_json_goes_to_standard_output(typed, tmp_path, capsys):
    typed("in/a.png", "-o", "boxes.webp", "--json", "-")
    assert json.loads(capsys.readouterr().out)["in/a.png"]["width"] == 50
    with Image.open(tmp_path / "boxes.webp") as image:
        assert image.format == "WEBP"


def test_a_bad_picture_does_not_stop_the_others_and_gives_status_2(typed, tmp_path, capsys):
    (tmp_path / "in" / "bad.jpg").write_text("a text")
    with pytest.raises(SystemExit) as caught:
        typed("in", "-o", "out")
    assert caught.value.code == 2 and (tmp_path / "out" / "a.png").is_file()
    assert "1 failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["in/a.png", "-o", "in"], "is an input picture"),
        (["gone", "-o", "out"], "no such file or folder"),
        (["in", "-o", "out", "--least", "2"], "--least must be in"),
        (["in", "-o", "out", "--classes", "plum"], "--classes plum: the network does not know it"),
        (["in", "-o", "out", "--json", "all.txt"], ".json"),
        (["in/a.png", "-o", "-", "--json", "-"], "standard output takes one"),
        (["in", "-o", "out", "--device", "tpu"], "--device must be one of"),
    ],
)
def test_mistakes_are_one_line(typed, weights, monkeypatch, words, message):
    assert message in refused(monkeypatch, "detect", *words, "--model", str(weights))
