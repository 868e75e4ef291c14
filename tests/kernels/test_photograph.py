"""The kernel that colours strips of photographs, against numpy."""

import numpy as np
import pytest

from colourize.inference import colouring, space
from colourize.inference.upsampling import Upsampler
from colourize.kernels import photograph
from colourize.kernels.photograph import Rows

pytestmark = pytest.mark.skipif(photograph.library() is None, reason="no C compiler")
RNG = np.random.default_rng(0)
CELLS = 7, 9


def picture(size, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max + 1, size, dtype=dtype)


def both(monkeypatch, grey, spread, content=(6.5, 8.25), **named):
    """Colours and the share outside the gamut, by the kernel and by numpy."""
    chroma = RNG.normal(0, spread, (2, *CELLS)).astype(np.float32)
    lightness = RNG.uniform(0, 100, CELLS).astype(np.float32)
    found = colouring.upsampled(grey, chroma, lightness, content, **named)
    with monkeypatch.context() as patch:
        patch.setattr(photograph, "library", lambda: None)
        return found, colouring.upsampled(grey, chroma, lightness, content, **named)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(57, 73), (400, 610), (1, 1), (1, 300), (300, 1), (3, 4), (2, 1000)], ids=str)
@pytest.mark.parametrize("spread", [0, 5, 40])
def test_colours_are_those_of_numpy_to_one_level(monkeypatch, dtype, size, spread):
    """But for a value in 100,000: by rounding, a bisection may end one step, 2^-10 of the chroma, from the other."""
    (found, outside), (expected, expected_outside) = both(monkeypatch, picture(size, dtype), spread)
    difference = np.abs(found.astype(int) - expected)
    assert (difference > 1).mean() < 1e-5 and difference.max() <= 5 and (difference == 0).mean() > 0.99
    assert abs(outside - expected_outside) <= max(2e-4, 1 / found[..., 0].size)


def test_greys_without_chroma_stay_exactly():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    flat = np.zeros((2, *CELLS), np.float32), np.full(CELLS, 50, np.float32)
    found, outside = colouring.upsampled(grey, *flat, CELLS)
    assert outside == 0 and np.array_equal(found, np.repeat(grey[..., None], 3, -1))


def test_threads_strips_and_memory_order_change_nothing(monkeypatch):
    grey = picture((300, 411))
    arguments = RNG.normal(0, 20, (2, *CELLS)).astype(np.float32), RNG.uniform(0, 100, CELLS).astype(np.float32), CELLS
    whole, share = colouring.upsampled(grey, *arguments, threads=1)
    monkeypatch.setattr(space, "STRIP", 5000)
    for given, threads in ((grey, 3), (np.asfortranarray(grey), 1)):
        found, same = colouring.upsampled(given, *arguments, threads=threads)
        assert share == same and np.array_equal(found, whole)


@pytest.mark.parametrize("rows", [1, 20, 300], ids=str)
def test_coarse_rows_and_their_weights_are_pillow_s_interpolation(rows):
    chroma, lightness = RNG.normal(0, 20, (2, *CELLS)).astype(np.float32), RNG.uniform(0, 100, CELLS).astype(np.float32)
    up = Upsampler(chroma, lightness, (6.5, 8.25), (rows, 40))
    detail = np.zeros((rows, 40), np.float32)
    smooth, slopes = ([_interpolated(part, row) for row in range(rows)] for part in up.coarse(0, rows))
    (a, b, low), by = np.moveaxis(smooth, 0, 1), np.moveaxis(slopes, 0, 1)
    assert np.allclose(np.stack([a, b]) + by * (detail - low), up.strip(0, detail), atol=1e-3)


def _interpolated(of, row):
    taps = of.weights.shape[1]
    return np.einsum("t,ptw->pw", of.weights[row], of.planes[:, of.first[row] : of.first[row] + taps])


def test_chroma_that_is_no_number_gives_black_channels_and_no_crash():
    grey, chroma = picture((20, 20)), np.full((2, *CELLS), np.nan, np.float32)
    found, outside = colouring.upsampled(grey, chroma, np.full(CELLS, 50, np.float32), CELLS)
    assert outside == 0 and (found[..., 0] == 0).all()


@pytest.mark.parametrize(
    "spoil",
    [
        {"grey": np.zeros((4, 5), np.int64)},
        {"grey": np.zeros((5, 4), np.uint8).T},
        {"colours": np.zeros((4, 5, 4), np.uint8)},
        {"smooth": Rows(np.zeros((2, 3, 5), np.float32), np.zeros(4, np.int64), np.ones((4, 2), np.float32))},
        {"smooth": Rows(np.zeros((3, 3, 5), np.float32), np.full(4, 2), np.ones((4, 2), np.float32))},
        {"slopes": Rows(np.zeros((2, 3, 5), np.float32), np.full(4, -1), np.ones((4, 2), np.float32))},
        {"tables": space.tables(65535)},
    ],
    ids=["type", "layout", "channels", "planes", "beyond", "before", "tables"],
)
def test_arrays_that_do_not_fit_are_refused(spoil):
    def rows(planes):
        return Rows(np.zeros((planes, 3, 5), np.float32), np.zeros(4, np.int64), np.ones((4, 2), np.float32))

    given = {
        "grey": np.zeros((4, 5), np.uint8), "tables": space.tables(255), "maths": space.maths(), "smooth": rows(3),
        "slopes": rows(2), "colours": np.zeros((4, 5, 3), np.uint8),
    }  # fmt: skip
    photograph.coloured(**given)
    with pytest.raises(ValueError, match="must be"):
        photograph.coloured(**{**given, **spoil})
