"""Remembered scores are those of the network, and old ones go first."""

import numpy as np

from colourize.app.kept import Kept, Store
from colourize.app.remembering import Remembering
from tests.predictors import Pointwise


def grey(level):
    return np.full((1, 1, 8, 8), level, np.float32)


def test_the_same_input_runs_the_network_once():
    network = Pointwise()
    remembering = Remembering(network, "a", Kept(Store()))
    assert np.array_equal(remembering.logits(grey(0.5)), remembering.logits(grey(0.5)))
    assert network.calls == 1 and np.array_equal(remembering.logits(grey(0.5)), Pointwise().logits(grey(0.5)))


def test_two_networks_do_not_share_scores():
    kept, first, second = Kept(Store()), Pointwise(), Pointwise(sharp=1.0)
    Remembering(first, "a", kept).logits(grey(0.5))
    assert np.array_equal(Remembering(second, "b", kept).logits(grey(0.5)), Pointwise(sharp=1.0).logits(grey(0.5)))


def test_the_oldest_scores_go_first_above_the_limit():
    network = Pointwise()
    size = network.logits(grey(0.1)).nbytes
    remembering = Remembering(network, "a", Kept(Store(2 * size)))
    network.calls = 0
    for level in (0.1, 0.2, 0.1, 0.3, 0.1, 0.2):
        remembering.logits(grey(level))
    assert network.calls == 4  # 0.2 was the oldest when 0.3 came
