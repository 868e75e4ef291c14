"""Colours of the entropy: those of matplotlib's inferno, on the scale from 0 to 1 whatever the picture holds."""

import matplotlib
import numpy as np

from colourize.inference import uncertainty


def test_the_colours_are_those_of_inferno_to_some_levels():
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    found = uncertainty.picture(ramp, 1, 256)[0]
    expected = matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3] * 255
    assert found.dtype == np.uint8 and np.abs(found - expected).max() < 18


def test_the_scale_does_not_depend_on_the_picture():
    for value in (0.0, 0.5, 1.0):
        flat = uncertainty.picture(np.full((3, 5), value, np.float32), 30, 50)
        assert flat.shape == (30, 50, 3) and np.abs(flat - uncertainty.STOPS[round(8 * value)]).max() <= 1
