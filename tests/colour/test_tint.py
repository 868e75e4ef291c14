"""A tint is a function of the lightness."""

import numpy as np
import pytest

from colourize.colour.tint import beyond_tint

RNG = np.random.default_rng(0)
LIGHTNESS = RNG.uniform(0, 100, 200)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_the_residual_of_a_polynomial_is_zero_up_to_the_degree_and_not_above(degree):
    tint = np.stack([np.polyval(RNG.normal(size=degree + 1), LIGHTNESS / 100) for _ in range(2)], 1)
    assert np.abs(beyond_tint(np.column_stack([LIGHTNESS, tint]), degree)).max() < 1e-12
    beyond = tint + (LIGHTNESS[:, None] / 50 - 1) ** (degree + 1)
    assert np.abs(beyond_tint(np.column_stack([LIGHTNESS, beyond]), degree)).max() > 0.05


@pytest.mark.parametrize("degree", [2, 3])
def test_the_residual_equals_numpy_s_fit(degree):
    chroma = RNG.normal(size=(200, 2))
    expected = chroma - np.stack([np.polyval(np.polyfit(LIGHTNESS, part, degree), LIGHTNESS) for part in chroma.T], 1)
    np.testing.assert_allclose(beyond_tint(np.column_stack([LIGHTNESS, chroma]), degree), expected, atol=1e-9)
