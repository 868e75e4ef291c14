"""What the network sees: any size, padded, whole or in tiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from colourize.errors import InputError
from colourize.inference import working
from tests.predictors import Pointwise

RNG = np.random.default_rng(0)


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([8, 32]))
@settings(max_examples=60, deadline=None)
def test_any_size_keeps_its_aspect_and_is_padded_to_whole_blocks(height, width, multiple):
    view = working.seen(np.full((height, width), 200, np.uint8), Pointwise(multiple=multiple, size=64).card)
    assert all(
        side % multiple == 0 and side >= inner for side, inner in zip(view.grey.shape, view.content, strict=True)
    )
    assert all(side - inner < multiple for side, inner in zip(view.grey.shape, view.content, strict=True))
    assert max(view.content) <= working.LONGEST * 64
    if max(height, width) <= working.LONGEST * min(height, width):
        assert min(view.content) == 64
        assert view.content[0] / view.content[1] == pytest.approx(height / width, rel=0.02)
    assert np.allclose(view.grey, 200 / 255, atol=1e-2)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("tile", [None, 16])
def test_scores_that_give_no_probabilities_are_refused(wrong, tile):
    class Diverged(Pointwise):
        def logits(self, grey):
            scores = super().logits(grey)
            scores[:, slice(None) if wrong == -np.inf else 2, -1, 0] = wrong
            return scores

    predictor = Diverged()
    view = working.seen(np.full((40, 56), 90, np.uint8), predictor.card)
    for score in (working.scores, lambda *given, tile: working.all_scores(given[0], 2 * [given[1]], tile)):
        with pytest.raises(InputError, match="pointwise gives scores that are not finite: .*; pass another --model"):
            score(predictor, view if score is working.scores else working.given(view, predictor.card), tile=tile)


def test_a_class_that_never_occurs_may_have_the_score_minus_infinity():
    class Never(Pointwise):
        def logits(self, grey):
            scores = super().logits(grey)
            scores[:, 2] = -np.inf
            return scores

    predictor = Never()
    view = working.seen(np.full((40, 56), 90, np.uint8), predictor.card)
    assert np.isneginf(working.scores(predictor, view)[2]).all()


def test_sixteen_bits_are_seen_as_eight():
    grey = RNG.integers(0, 256, (50, 70), dtype=np.uint8)
    card = Pointwise().card
    wide = working.seen(grey.astype(np.uint16) * 257, card)
    assert (
        np.abs(wide.grey - working.seen(grey, card).grey).mean() < 0.5 / 255
    )  # 8 bits are rounded between rows and columns


def test_cells_have_the_mean_lightness_of_their_pixels():
    predictor = Pointwise(stride=4)
    view = working.seen(RNG.integers(0, 256, (40, 56), dtype=np.uint8), predictor.card)
    logits = working.scores(predictor, view)
    cells, content = working.cells(view, logits)
    block = view.grey[4:8, 8:12]
    linear = np.where(block <= 0.04045, block / 12.92, ((block + 0.055) / 1.055) ** 2.4)
    assert cells[1, 2] == pytest.approx((116 * np.cbrt(linear) - 16).mean(), abs=0.3)
    assert content == (view.content[0] / 4, view.content[1] / 4)


def test_tiles_of_a_network_without_context_are_the_whole_picture():
    predictor = Pointwise(stride=4, size=200)
    view = working.seen(RNG.integers(0, 256, (200, 300), dtype=np.uint8), predictor.card)
    whole, calls = working.scores(predictor, view), predictor.calls
    assert np.allclose(working.scores(predictor, view, tile=64), whole, atol=1e-4)
    assert predictor.calls - calls > 10


@pytest.mark.parametrize("shape", [(300, 520), (400, 270), (256, 385)])
def test_tiles_of_a_network_that_sees_3_16_of_a_tile_are_the_whole_picture(shape):
    class Wide(Pointwise):
        """Sees 47 pixels to each side."""

        def logits(self, grey):
            return super().logits(uniform_filter(grey, (0, 0, 95, 95), mode="constant"))

    predictor = Wide(stride=4, size=min(shape))
    view = working.seen(RNG.integers(0, 256, shape, dtype=np.uint8), predictor.card)
    assert np.allclose(working.scores(predictor, view, tile=256), working.scores(predictor, view), atol=1e-3)


def test_a_working_size_out_of_range_is_refused():
    with pytest.raises(InputError, match=r"--size must be in \[8, 8192\] pixels, got 3"):
        working.seen(np.zeros((5, 5), np.uint8), Pointwise().card, 3)
