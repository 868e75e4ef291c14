import json

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from torch import nn

from colourize.colour import palette
from colourize.colour.decoding import colours_of_classes
from colourize.colour.kmeans import fit
from colourize.colour.rgb import eight_bit, grey
from colourize.data.labelled import LabelledPictures
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.evaluation import hint_curve
from colourize.model import Model
from colourize.runs.trained import load as load_trained
from colourize.tasks.chosen import train
from tests.conftest import QUICK, knobs
from tests.read_figures import colours_at


class Believing(nn.Module):
    """Predicts the colour of a hint at its pixels, and the first colour elsewhere."""

    hints = True

    def __init__(self, palette):
        super().__init__()
        self.palette = palette
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        distance = (x[:, None, 1:4] - self.palette[:, :, None, None]).square().sum(2)
        first = torch.zeros(len(self.palette)).index_fill(0, torch.tensor(0), 1.0).view(1, -1, 1, 1)
        return torch.where(x[:, 4:] > 0, -distance, first)


def test_a_network_that_copies_its_hints_reaches_the_ceiling():
    images = load(12, 2, image_size=16).train
    palette = fit(images, 6, 0)
    model = Model(Believing(palette), palette).eval()
    result = hint_curve.measured(model, LabelledPictures(images, palette), images)
    assert result["everywhere"] == pytest.approx(result["true class"], abs=1e-9)
    assert result["0"] < result["10"] < result["100"] <= result["everywhere"]


@pytest.fixture(scope="module")
def hinted(tmp_path_factory, shared_cache):
    """Folder of a run with hints on pictures of 8 x 8 pixels."""
    folder = tmp_path_factory.mktemp("hinted")
    words = [*QUICK, "model=resunet_small", "hints=true", "max_epochs=1", f"cache_dir={shared_cache}"]
    train(knobs(*words), folder)
    return folder


def test_more_hints_than_pixels_are_left_out(hinted):
    result = hint_curve.curve(str(hinted))
    assert list(result) == ["0", "1", "2", "5", "10", "20", "50", "everywhere", "true class"]


def test_only_the_validation_pictures_are_labelled(hinted, monkeypatch):
    sizes, quantize = [], palette.quantize
    monkeypatch.setattr(palette, "quantize", lambda images, *rest: sizes.append(len(images)) or quantize(images, *rest))
    hint_curve.curve(str(hinted))
    assert sizes == [12]


def test_the_ends_of_the_curve_are_the_psnr_of_numpy(hinted):
    result = hint_curve.curve(str(hinted))
    model = load_trained(hinted / "checkpoints/last.ckpt").model
    images = load(24, 12, image_size=8).validation
    hints = torch.zeros(12, 4, 8, 8)  # three channels of colour, and the mask
    with torch.no_grad():
        classes = model(torch.cat((grey(images), hints), dim=1)).argmax(1)
    for name, labels in (("0", classes), ("true class", palette.quantize(images, model.palette).long())):
        shown = np.minimum(np.rint(256 * model.palette.numpy()[labels.numpy()]), 255)
        errors = (np.square(shown - images.numpy()) / 255**2).mean((1, 2, 3))
        assert result[name] == pytest.approx((-10 * np.log10(errors)).mean(), abs=1e-4)


def test_the_figures_and_the_picture_contain_the_curve(hinted, tmp_path, monkeypatch):
    drawn, save = [], hint_curve.save
    monkeypatch.setattr(hint_curve, "save", lambda figure, path: drawn.append(figure) or save(figure, path))
    numbers = ["0", "1", "2", "5", "10", "20", "50"]
    result = {name: 12.0 + place for place, name in enumerate(numbers)} | {"everywhere": 20.5, "true class": 22.0}
    monkeypatch.setattr(hint_curve, "measured", lambda *given: result)
    assert hint_curve.curve(str(hinted), [], tmp_path / "x.png", tmp_path / "x.json") == result
    assert json.loads((tmp_path / "x.json").read_text()) == result
    (axis,) = drawn[0].axes
    line, everywhere, ceiling = axis.lines
    assert [label.get_text() for label in axis.get_xticklabels()] == numbers
    assert list(line.get_ydata()) == [result[name] for name in numbers]
    assert (everywhere.get_ydata()[0], ceiling.get_ydata()[0]) == (result["everywhere"], result["true class"])
    markers = colours_at(tmp_path / "x.png", axis, list(zip(line.get_xdata(), line.get_ydata(), strict=True)))
    assert np.abs(markers - 255 * np.array(to_rgb(line.get_color()))).max() < 2


def test_in_a_space_of_chromas_a_hint_is_the_true_class_s_colour_at_the_input_s_lightness(quick, tmp_path):
    settings = quick("model=resunet_small", "hints=true", "image_size=16", "colour_space=lab")
    train(settings, tmp_path / "run")
    result = hint_curve.curve(str(tmp_path / "run"))
    model = load_trained(tmp_path / "run/checkpoints/last.ckpt").model
    images = load(12, 2, image_size=16).train
    pictures = LabelledPictures(images, model.palette, space=model.space)
    colours = colours_of_classes(pictures.labels, pictures.grey, model.palette, model.space)
    tones = model.space.neutral(model.space.lightness(eight_bit(colours).movedim(1, -1)))
    assert 256 * (tones - model.space.neutral(pictures.grey)).abs().max() <= 1
    assert result["true class"] > result["0"]


def test_a_run_without_hints_is_refused(finished_run):
    with pytest.raises(InputError, match="ConvTransposeNet was trained without hints; train one with hints=true"):
        hint_curve.curve(str(finished_run))
