"""The comparison of an exported network with its checkpoint."""

import numpy as np
import pytest
import torch

from colourize.errors import InputError
from colourize.inference.export import parity
from colourize.inference.export.parity import Difference

RNG = np.random.default_rng(0)
GREY = [RNG.random((2, 1, 4, 6), np.float32), RNG.random((1, 1, 3, 5), np.float32)]


def scores(grey):
    return np.concatenate([np.sin(7 * grey), np.cos(5 * grey), grey], 1)


def test_a_network_equals_itself():
    assert parity.compared(scores, scores, GREY) == Difference(0, 0, 0, 1, 3)


def test_differences_are_those_that_torch_computes():
    found = parity.compared(scores, lambda grey: scores(grey) * np.float32(1.5), GREY)
    before = [torch.from_numpy(scores(grey)).double() for grey in GREY]
    pairs = [(logits.softmax(1), (1.5 * logits).softmax(1)) for logits in before]
    assert found.logits == pytest.approx(max(float((0.5 * logits).abs().max()) for logits in before), rel=1e-6)
    assert found.probabilities == pytest.approx(max(float((a - b).abs().max()) for a, b in pairs), rel=1e-6)
    total = torch.cat([(a - b).abs().sum(1).flatten() / 2 for a, b in pairs])
    assert found.mean == pytest.approx(float(total.mean()), rel=1e-6)
    assert found.agreement == 1


def test_agreement_is_the_share_of_pixels_with_the_same_colour():
    def other(grey):
        changed = scores(grey).copy()
        changed[:, 0, 0] = 9  # the first row of each picture
        return changed

    expected = np.concatenate([(scores(grey).argmax(1) == other(grey).argmax(1)).ravel() for grey in GREY]).mean()
    assert parity.compared(scores, other, GREY).agreement == pytest.approx(expected)


def test_more_than_a_thousandth_is_refused():
    parity.check(Difference(1e-3, 1e-3, 0, 1, 1))
    for difference in (Difference(1.1e-3, 0, 0, 1, 1), Difference(0, 1.1e-3, 0, 1, 1)):
        with pytest.raises(InputError, match=r"and <= 0.001 is allowed: nothing is written; pass another --format"):
            parity.check(difference)
        parity.check(difference, lossy=True)


def test_what_is_not_finite_is_refused_even_where_a_loss_was_asked_for():
    def broken(grey):
        changed = scores(grey).copy()
        changed[0, 0, 0, 0] = np.nan
        return changed

    with np.errstate(invalid="ignore"):
        found = parity.compared(scores, broken, GREY)
    with pytest.raises(InputError, match="differs from the checkpoint by inf"):
        parity.check(found, lossy=True)
    with pytest.raises(InputError, match="the network has diverged"):
        parity.compared(broken, scores, GREY)


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="the exported network gives"):
        parity.compared(scores, lambda grey: scores(grey)[:, :2], GREY)


def test_the_loss_is_said_where_one_was_asked_for():
    difference = Difference(0.25, 0.125, 0.0123, 0.945, 8)
    exact = "compared with its checkpoint on 8 pictures of x: largest difference 0.25 of logits, 0.12 of probabilities"
    assert parity.sentence(difference, "pictures of x") == exact
    assert parity.sentence(difference, "pictures of x", lossy=True) == (
        f"{exact}; 94.5% of the pixels keep their most probable colour, 1.23% of the probability moves to others"
    )
