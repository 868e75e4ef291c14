"""Decoding in numpy: the tensors of ``colour.decoding`` and closed forms."""

import numpy as np
import pytest
import torch

from colourize.colour import decoding, spaces
from colourize.errors import InputError
from colourize.inference import decoded
from colourize.inference.predictor import Card

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 2, (6, 5, 4)).astype(np.float32)
PALETTE = RNG.uniform(-60, 60, (6, 2)).astype(np.float32)


@pytest.mark.parametrize("text", ["argmax", "mean", "annealed:0.4", "annealed:3"])
def test_values_are_those_of_the_tensors(text):
    expected = decoding.parsed(text).values(torch.tensor(LOGITS)[None], torch.zeros(1, 1, 5, 4), torch.tensor(PALETTE))
    assert np.allclose(decoded.values(LOGITS, PALETTE, decoded.parsed(text)), expected[0], atol=1e-4)


def test_samples_have_the_probabilities_of_the_network():
    logits = np.broadcast_to(np.array([0.0, 1.0, 2.0], np.float32)[:, None, None], (3, 4, 4))
    palette = np.eye(3, 2, dtype=np.float32)
    drawn = np.stack([decoded.values(logits, palette, decoded.Decoding("sample", seed=seed)) for seed in range(1500)])
    shares = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    assert np.abs(drawn.mean(0) - (shares @ palette)[:, None, None]).max() < 0.06


def test_a_sample_is_repeatable_and_depends_on_seed_and_key():
    shape = (4, 6, 6)
    assert np.array_equal(decoded.noise(shape, 3, b"a"), decoded.noise(shape, 3, b"a"))
    assert not np.array_equal(decoded.noise(shape, 3, b"a"), decoded.noise(shape, 4, b"a"))
    assert not np.array_equal(decoded.noise(shape, 3, b"a"), decoded.noise(shape, 3, b"b"))


def test_neighbours_in_a_sample_have_about_the_same_noise():
    noise = decoded.noise((50, 32, 32), 0)
    assert np.corrcoef(noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel())[0, 1] > 0.9
    assert np.corrcoef(noise[:, 0, 0], noise[:, 31, 31])[0, 1] < 0.5


def test_entropy_is_one_for_equal_and_zero_for_certain():
    assert np.allclose(decoded.entropy(np.zeros((7, 2, 2), np.float32)), 1, atol=1e-6)
    certain = np.zeros((7, 2, 2), np.float32)
    certain[3] = 200
    assert np.allclose(decoded.entropy(certain), 0, atol=1e-6)


@pytest.mark.parametrize("name", ["lab", "oklab", "rgb"])
def test_a_network_sees_what_its_colour_space_gives_it(name):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    images = torch.tensor(grey)[None, :, :, None].expand(1, 16, 16, 3).contiguous()
    expected = spaces.SPACES[name].lightness(images)
    assert np.allclose(decoded.network_input(grey / np.float32(255), name), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["oklab", "rgb"])
def test_chroma_of_other_spaces_is_cielabs(name):
    rgb = RNG.uniform(0.2, 0.8, (3, 4, 5)).astype(np.float32)
    from skimage.color import rgb2lab

    space = spaces.SPACES[name]
    grey = torch.zeros(1)
    if name == "oklab":
        values = space.of_rgb(torch.tensor(rgb)[None].double())[0].numpy()
        lightness, given = values[0], values[1:].astype(np.float32)
        grey = np.where(lightness**3 <= 0.0031308, 12.92 * lightness**3, 1.055 * lightness ** (3 / 2.4) - 0.055)
    else:
        given, grey = rgb * np.float32(255 / 256), rgb.mean(0)
    found = decoded.chroma(given, grey.astype(np.float32), Card("x", name, PALETTE, 32, 8))
    assert np.allclose(found, np.moveaxis(rgb2lab(np.moveaxis(rgb, 0, -1))[..., 1:], -1, 0), atol=0.1)


@pytest.mark.parametrize(
    "text", ["", "best", "argmax:1", "annealed", "annealed:0", "annealed:nan", "sample:-1", "sample:x"]
)
def test_other_words_are_refused(text):
    with pytest.raises(InputError, match=r"must be|got"):
        decoded.parsed(text)
