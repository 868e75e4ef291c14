"""The model, compared with its parts."""

import pytest
import torch
from PIL import Image
from torch import nn

import colourize
from colourize.colour.decoding import parsed
from colourize.colour.spaces import SPACES
from colourize.errors import InputError

PALETTES = {"rgb": torch.rand(5, 3, generator=torch.Generator().manual_seed(0)),
            "lab": torch.tensor([[0.0, 0.0], [40.0, 30.0], [-40.0, 20.0], [10.0, -50.0], [5.0, 60.0]])}  # fmt: skip


def model(space):
    torch.manual_seed(1)
    return colourize.Model(nn.Conv2d(1, 5, 3, padding=1), PALETTES[space], space).eval()


@pytest.fixture
def grey():
    return torch.rand(2, 1, 6, 7, generator=torch.Generator().manual_seed(2)) * 255 / 256


@pytest.mark.parametrize("space", PALETTES)
def test_the_probabilities_are_the_softmax_of_the_logits(space, grey):
    shares = model(space).probabilities(grey)
    logits = model(space)(grey).double()
    expected = logits.exp() / logits.exp().sum(1, keepdim=True)
    torch.testing.assert_close(shares.double(), expected, atol=1e-6, rtol=0)
    assert not shares.requires_grad


def test_rgb_argmax_gives_each_pixel_its_most_probable_palette_colour(grey):
    shown, labels = model("rgb").predict(grey, "argmax"), model("rgb").probabilities(grey).argmax(1)
    for n, row, column in ((0, 0, 0), (1, 5, 6), (1, 2, 3)):
        assert shown[n, :, row, column].tolist() == PALETTES["rgb"][labels[n, row, column]].tolist()


def test_the_mean_in_rgb_is_the_probabilities_times_the_palette(grey):
    expected = torch.einsum("nkhw,kc->nchw", model("rgb").probabilities(grey), PALETTES["rgb"])
    torch.testing.assert_close(model("rgb").predict(grey, "mean"), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("decoding", ["argmax", "mean", "annealed:0.4", "sample:3"])
def test_in_lab_every_decoding_keeps_the_lightness_of_the_grey(grey, decoding):
    shown = model("lab").predict(grey, decoding)
    eight_bit = (shown * 256).round().to(torch.uint8).movedim(1, -1)
    assert (SPACES["lab"].lightness(eight_bit) - grey).abs().max() < 0.01


def test_a_decoding_may_be_given_as_a_value(grey):
    assert torch.equal(model("rgb").predict(grey, parsed("sample:3")), model("rgb").predict(grey, "sample:3"))


def test_an_unknown_decoding_is_refused(grey):
    with pytest.raises(InputError, match="decoding best is unknown; pass argmax"):
        model("rgb").predict(grey, "best")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Image.new("L", (8, 8)), "Image"),
        (torch.rand(8, 8), r"torch\.float32 \[8, 8\]"),
        (torch.rand(1, 3, 8, 8), r"torch\.float32 \[1, 3, 8, 8\]"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), r"torch\.uint8 \[1, 1, 8, 8\]"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "probabilities"])
def test_something_else_than_grey_levels_is_refused(method, given, found):
    with pytest.raises(InputError, match=f"^grey must be a float tensor .*, got {found}; model.colourize takes pict"):
        getattr(model("rgb"), method)(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(0, 1, 8, 8), r"grey must have a pixel, got \[0, 1, 8, 8\]; leave empty pictures out"),
        (torch.zeros(1, 1, 8, 0), r"grey must have a pixel, got \[1, 1, 8, 0\]; leave empty pictures out"),
        (torch.full((1, 1, 2, 2), 255.0), r"grey must be in \[0, 255/256\], got 255 to 255; model\.space\.lightness"),
        (torch.tensor([[[[0.5, -0.1]]]]), r"grey must be in \[0, 255/256\], got -0\.1 to 0\.5; "),
        (torch.tensor([[[[0.5, torch.nan]]]]), r"grey must be in \[0, 255/256\], got nan to nan; "),
    ],
)
@pytest.mark.parametrize("method", ["predict", "probabilities"])
def test_grey_levels_that_no_picture_has_are_refused(method, given, message):
    with pytest.raises(InputError, match=message):
        getattr(model("rgb"), method)(given)


def test_another_float_type_is_converted(grey):
    half = model("rgb").bfloat16()
    assert half.probabilities(grey).shape == (2, 5, 6, 7)
    torch.testing.assert_close(model("rgb").predict(grey.double()), model("rgb").predict(grey), atol=0, rtol=0)


def test_the_epochs_of_a_folder_without_a_run_are_refused(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    assert colourize.epochs(tmp_path) == []
    with pytest.raises(InputError, match=r"^nope must be a run folder, with run\.json; colourize runs lists them$"):
        colourize.epochs("nope")


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="has no attribute 'loads'"):
        colourize.loads  # noqa: B018
