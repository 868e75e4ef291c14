"""Chroma at every pixel: against a computation pixel by pixel, and against what must not change."""

import numpy as np
import pytest
from PIL import Image

from colourize.inference.upsampling import EPSILON, Upsampler, slopes

RNG = np.random.default_rng(0)
CHROMA = RNG.normal(0, 20, (2, 7, 9)).astype(np.float32)
CELLS = RNG.uniform(0, 100, (7, 9)).astype(np.float32)
FULL = RNG.uniform(0, 100, (56, 72)).astype(np.float32)


def slope_of(cell_row, cell_column, plane):
    rows = slice(max(cell_row - 1, 0), cell_row + 2)
    columns = slice(max(cell_column - 1, 0), cell_column + 2)
    lightness, chroma = CELLS[rows, columns].astype(float).ravel(), plane[rows, columns].astype(float).ravel()
    return np.cov(lightness, chroma, bias=True)[0, 1] / (lightness.var() + EPSILON)


def test_slopes_are_regressions_in_windows_of_three():
    direct = [[[slope_of(row, column, plane) for column in range(9)] for row in range(7)] for plane in CHROMA]
    assert np.allclose(slopes(CHROMA, CELLS), direct, atol=1e-4)


def cubic(x):
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x < 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def linear(x):
    return max(0.0, 1 - abs(x))


def weights(at, cells, kernel):
    found = np.array([kernel(cell + 0.5 - at) for cell in range(cells)])
    return found / found.sum()


def test_a_pixel_is_the_cubic_interpolation_and_the_slope_times_the_lost_lightness():
    result = Upsampler(CHROMA, CELLS, (7, 9), FULL.shape).strip(0, FULL)
    slope = slopes(CHROMA, CELLS)
    for row, column in ((0, 0), (20, 33), (55, 71), (7, 60)):
        y, x = (row + 0.5) / 8, (column + 0.5) / 8
        smooth = weights(y, 7, cubic), weights(x, 9, cubic)
        flat = weights(y, 7, linear), weights(x, 9, linear)
        lost = FULL[row, column] - smooth[0] @ CELLS @ smooth[1]
        for plane in range(2):
            direct = smooth[0] @ CHROMA[plane] @ smooth[1] + (flat[0] @ slope[plane] @ flat[1]) * lost
            assert result[plane, row, column] == pytest.approx(direct, abs=2e-3)


def test_strips_are_the_picture_in_one_piece():
    up = Upsampler(CHROMA, CELLS, (6.5, 8.25), FULL.shape)
    whole = up.strip(0, FULL)
    parts = [up.strip(top, FULL[top : top + 9]) for top in range(0, 56, 9)]
    assert np.allclose(np.concatenate(parts, 1), whole, atol=1e-4)


def test_equal_chroma_stays_equal_whatever_the_lightness():
    chroma = np.full((2, 7, 9), 12.5, np.float32)
    assert np.allclose(Upsampler(chroma, CELLS, (7, 9), FULL.shape).strip(0, FULL), 12.5, atol=1e-4)


def test_chroma_that_follows_lightness_is_sharper_than_its_interpolation():
    edge = np.zeros((64, 64), np.float32)
    edge[:, 29:] = 80  # inside a cell of eight pixels
    cells = edge.reshape(8, 8, 8, 8).mean((1, 3))
    chroma = np.stack([cells / 2, -cells / 4])
    truth = np.stack([edge / 2, -edge / 4])
    result = Upsampler(chroma, cells, (8, 8), edge.shape).strip(0, edge)
    plain = np.stack(
        [np.asarray(Image.fromarray(plane).resize((64, 64), Image.Resampling.BICUBIC)) for plane in chroma]
    )
    assert np.abs(result - truth).mean() < 0.5 * np.abs(plain - truth).mean()
