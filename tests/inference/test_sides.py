"""A fixed graph on pictures of any size."""

import numpy as np
import pytest
import torch

from colourize.inference.predictor import Card
from colourize.inference.sides import cropped, padded, scored
from colourize.models import blocks

CARD = Card("a", "lab", np.zeros((3, 2), np.float32), 32, 4)


@pytest.mark.parametrize("multiple", [1, 2, 4, 16])
def test_padding_is_that_of_the_networks(multiple):
    for height, width in ((1, 1), (3, 8), (17, 5), (16, 32)):
        grey = np.random.default_rng(0).random((2, 1, height, width), np.float32)
        assert np.array_equal(padded(grey, multiple), blocks.padded(torch.from_numpy(grey), multiple).numpy())


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_scores_are_those_of_the_pixels_before_the_padding(stride):
    grey = np.random.default_rng(0).random((2, 1, 10, 7), np.float32)
    found = scored(lambda full: np.repeat(full[:, :, ::stride, ::stride], 3, 1), grey, CARD)
    assert np.array_equal(found, np.repeat(padded(grey, 4)[:, :, : 12 : stride, : 8 : stride], 3, 1)[
        :, :, : -(-10 // stride), : -(-7 // stride)])  # fmt: skip


def test_a_network_with_hints_gets_none_where_none_are_given():
    card = Card("a", "lab", np.zeros((3, 2), np.float32), 32, 4, hints=True)
    seen = []
    scored(lambda full: seen.append(full) or full[:, :3], np.ones((1, 1, 4, 4), np.float32), card)
    assert seen[0].shape == (1, 5, 4, 4) and seen[0].sum() == 16


@pytest.mark.parametrize(
    "scores",
    [np.zeros((1, 2, 4, 4), np.float32), np.zeros((1, 3, 4, 4)), np.zeros((3, 4, 4), np.float32),
     np.zeros((1, 3, 5, 4), np.float32), np.zeros((1, 3, 4, 2), np.float32), np.zeros((1, 3, 0, 4), np.float32)],
)  # fmt: skip
def test_outputs_that_are_not_scores_are_refused(scores):
    with pytest.raises(ValueError, match="it gives"):
        scored(lambda full: scores, np.ones((1, 1, 4, 4), np.float32), CARD)


def test_cropping_nothing_gives_the_same():
    logits = np.zeros((1, 3, 4, 8), np.float32)
    assert cropped(logits, (4, 8), (4, 8)).shape == logits.shape
