import json

import pytest
import torch
from torch import nn

from colourize.cli import hint_curve
from colourize.colour import palette
from colourize.colour.decoding import colours_of_classes
from colourize.colour.kmeans import fit
from colourize.colour.rgb import eight_bit
from colourize.data.module import LabelledPictures
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.model import Model
from colourize.runs import checkpoint
from colourize.tasks.colourization.train import train


class Believing(nn.Module):
    """Takes a hint for the truth, and elsewhere the first colour."""

    hints = True

    def __init__(self, palette):
        super().__init__()
        self.palette = palette
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        distance = (x[:, None, 1:4] - self.palette[:, :, None, None]).square().sum(2)
        first = torch.zeros(len(self.palette)).index_fill(0, torch.tensor(0), 1.0).view(1, -1, 1, 1)
        return torch.where(x[:, 4:] > 0, -distance, first)


def test_a_network_that_believes_its_hints_climbs_to_the_ceiling():
    images = load(12, 2, image_size=16).train
    palette = fit(images, 6, 0)
    model = Model(Believing(palette), palette).eval()
    result = hint_curve.measured(model, LabelledPictures(images, palette), images)
    assert result["everywhere"] == pytest.approx(result["true class"], abs=1e-9)
    assert result["0"] < result["10"] < result["100"] <= result["everywhere"]


def test_more_hints_than_pixels_are_left_out(quick, tmp_path):
    train(quick("model=resunet_small", "hints=true", "max_epochs=1"), tmp_path / "run")
    result = hint_curve.curve(str(tmp_path / "run"), [], tmp_path / "x.png")
    assert list(result) == ["0", "1", "2", "5", "10", "20", "50", "everywhere", "true class"]
    assert (tmp_path / "x.png").stat().st_size > 5_000


def test_only_the_validation_pictures_are_labelled(quick, tmp_path, monkeypatch):
    train(quick("model=resunet_small", "hints=true", "max_epochs=1"), tmp_path / "run")
    sizes, quantize = [], palette.quantize
    monkeypatch.setattr(palette, "quantize", lambda images, *rest: sizes.append(len(images)) or quantize(images, *rest))
    hint_curve.curve(str(tmp_path / "run"))
    assert sizes == [12]


def test_a_run_with_hints_is_measured_drawn_and_written(quick, tmp_path):
    train(quick("model=resunet_small", "hints=true", "image_size=16"), tmp_path / "run")
    result = hint_curve.curve(str(tmp_path / "run"), [], tmp_path / "x.png", tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text()) == result
    assert (tmp_path / "x.png").stat().st_size > 5_000


def test_in_a_space_of_chromas_a_hint_is_the_true_class_s_colour_at_the_input_s_lightness(quick, tmp_path):
    settings = quick("model=resunet_small", "hints=true", "image_size=16", "colour_space=lab")
    train(settings, tmp_path / "run")
    result = hint_curve.curve(str(tmp_path / "run"))
    model = checkpoint.load(tmp_path / "run/checkpoints/last.ckpt").model
    images = load(12, 2, image_size=16).train
    pictures = LabelledPictures(images, model.palette, space=model.space)
    colours = colours_of_classes(pictures.labels, pictures.grey, model.palette, model.space)
    tones = model.space.neutral(model.space.lightness(eight_bit(colours).movedim(1, -1)))
    assert 256 * (tones - model.space.neutral(pictures.grey)).abs().max() <= 1
    assert result["true class"] > result["0"]


def test_a_run_without_hints_is_refused(finished_run):
    with pytest.raises(InputError, match="ConvTransposeNet was trained without hints; train one with hints=true"):
        hint_curve.curve(str(finished_run))
