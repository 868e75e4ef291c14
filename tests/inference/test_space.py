"""Colours in numpy, compared with the tensors of ``colour.lab`` and with scikit-image."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb, rgb2lab

from colourize.colour import lab as tensors
from colourize.inference import space

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_grey_wedge_without_chroma_comes_out_as_itself(dtype):
    white = np.iinfo(dtype).max
    wedge = np.arange(white + 1, dtype=dtype)[None]
    colours, outside = space.joined(wedge, np.zeros((2, *wedge.shape), np.float32), wide=dtype == np.uint16)
    assert np.array_equal(colours, np.repeat(wedge[..., None], 3, -1)) and outside == 0


@given(st.integers(0, 2**32 - 1), st.floats(1, 120))
@settings(max_examples=30, deadline=None)
def test_luminance_stays_to_one_level_for_any_chroma(seed, spread):
    rng = np.random.default_rng(seed)
    grey = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    chroma = rng.normal(0, spread, (2, 16, 16)).astype(np.float32)
    colours, _ = space.joined(grey, chroma)
    levels = space.grey_levels(colours)
    assert np.abs(levels * (1.0 if levels.dtype == np.uint8 else 1 / 257) - grey).max() <= 1


def test_colours_inside_the_gamut_are_those_of_cielab():
    grey = RNG.integers(40, 220, (20, 20), dtype=np.uint8)
    chroma = RNG.normal(0, 6, (2, 20, 20)).astype(np.float32)
    colours, outside = space.joined(grey, chroma)
    lightness = space.lightness_of_levels(255)[grey]
    assert outside == 0
    assert np.abs(colours / 255 - lab2rgb(np.stack([lightness, *chroma], -1))).max() < 1.5 / 255


def test_colours_outside_keep_hue_and_lightness_and_touch_the_border_of_the_gamut():
    grey = RNG.integers(30, 225, 500, dtype=np.uint8).reshape(20, 25)
    angle = RNG.uniform(0, 2 * np.pi, (20, 25))
    chroma = (140 * np.stack([np.cos(angle), np.sin(angle)])).astype(np.float32)
    colours, outside = space.joined(grey, chroma, wide=True)
    assert outside == grey.size
    found = rgb2lab(colours / 65535)
    turned = np.angle(np.exp(1j * (np.arctan2(found[..., 2], found[..., 1]) - angle)))
    assert np.abs(turned).max() < 0.02
    assert np.abs(found[..., 0] - space.lightness_of_levels(255)[grey]).max() < 0.2
    assert np.minimum(colours.min(-1), 65535 - colours.max(-1)).max() < 0.02 * 65535


def test_lab_and_oklab_are_those_of_the_tensors():
    rgb = RNG.uniform(0, 1, (50, 3))
    planes = torch.tensor(rgb).T[:, :, None]
    assert np.allclose(space.lab(rgb), tensors.rgb_to_lab(planes)[..., 0].T, atol=0.02)
    assert np.allclose(space.oklab(rgb), tensors.rgb_to_oklab(planes)[..., 0].T, atol=1e-5)
    back = space.of_oklab(space.oklab(rgb).T[..., None])
    assert np.allclose(back[..., 0].T, rgb, atol=1e-4)


def test_greys_of_a_lightness_are_its_inverse():
    greys = np.linspace(0, 1, 300).astype(np.float32)
    assert np.allclose(space.grey_of(space.lightness(greys)), greys, atol=1e-4)
    assert np.allclose(space.lightness(greys), rgb2lab(np.repeat(greys[:, None], 3, 1))[:, 0], atol=0.02)


def test_levels_of_greys_are_kept_and_those_of_colours_have_their_luminance():
    grey = RNG.integers(0, 256, (5, 6, 1), dtype=np.uint8)
    assert np.array_equal(space.grey_levels(np.repeat(grey, 3, 2)), grey[..., 0])
    colours = RNG.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    levels = space.grey_levels(colours)
    assert levels.dtype == np.uint16
    assert np.allclose(space.lightness_of_levels(65535)[levels], rgb2lab(colours)[..., 0], atol=0.02)


def test_levels_of_colours_are_the_formula_s_to_one_of_65535():
    colours = RNG.integers(0, 65536, (300, 400, 3), dtype=np.uint16)
    dark = colours // 512  # where the formula is a line
    for rgb in (colours, dark):
        light = space.linear(rgb / 65535) @ space.LUMINANCE
        assert np.abs(space.grey_levels(rgb) - 65535 * space.encoded(light)).max() < 1


def test_strips_of_greys_change_nothing(monkeypatch):
    colours = RNG.integers(0, 65536, (11, 7, 3), dtype=np.uint16)
    whole = space.grey_levels(colours)
    monkeypatch.setattr(space, "STRIP", 15)
    assert np.array_equal(space.grey_levels(colours), whole)


def test_other_numbers_than_levels_are_refused():
    with pytest.raises(TypeError, match="must be uint8 or uint16, got int64"):
        space.white_of(np.zeros(3, np.int64))
