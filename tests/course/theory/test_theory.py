"""The demos: each theorem with its tolerance."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from colourize.course.theory import by_hand, hypergradient, minimum_norm, weight_decay
from colourize.course.theory.least_squares import best_rate, random_problem
from colourize.course.theory.minimum_norm import HANDOUT
from colourize.errors import InputError


@pytest.fixture(scope="module")
def norms_and_ends():
    """The demo, and the final weights of its runs on the handout's case, by method."""
    ends, run = {}, minimum_norm.run

    def kept(name, problem, *given):
        path = run(name, problem, *given)
        if problem is HANDOUT:
            assert given == (1, 4000, 0.05, 0)
            ends[name] = path[-1]
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minimum_norm, "run", kept)
        return minimum_norm.demo(), ends


@pytest.fixture(scope="module")
def norms(norms_and_ends):
    return norms_and_ends[0]


@pytest.mark.parametrize("method", ["mini-batch SGD", "gradient descent", "momentum"])
def test_from_zero_methods_that_stay_in_the_row_space_end_at_the_minimum_norm(norms, method):
    rows = [row for row in norms.rows if row["method"] == method]
    assert len(rows) == 2
    for row in rows:
        assert row["from the minimum norm"] < 1e-13
        assert row["off the row space"] < 1e-13
        assert row["loss"] < 1e-26


@pytest.mark.parametrize("method", ["RMSProp", "Adagrad", "Adam"])
def test_adaptive_methods_fit_as_well_and_end_elsewhere(norms, method):
    for row in (row for row in norms.rows if row["method"] == method):
        assert row["loss"] < 1e-12
        assert row["from the minimum norm"] > 4e-2


@pytest.mark.parametrize("method", minimum_norm.METHODS)
def test_the_handout_s_case_ends_exactly_at_the_theoretical_weights(method, norms_and_ends):
    """x = [2, 1], t = 2: (4/5, 2/5) and, for adaptive methods, (2/3, 2/3)."""
    adaptive = method in ("RMSProp", "Adagrad", "Adam")
    exact = (Fraction(2, 3), Fraction(2, 3)) if adaptive else (Fraction(4, 5), Fraction(2, 5))
    assert sum(x * w for x, w in zip((2, 1), exact, strict=True)) == 2
    assert minimum_norm.predicted(method, HANDOUT).tolist() == pytest.approx([float(w) for w in exact], abs=1e-16)
    assert norms_and_ends[1][method].tolist() == pytest.approx([float(w) for w in exact], abs=2e-15)


def test_an_adaptive_method_gives_both_weights_of_the_handout_the_same_steps():
    for method in ("RMSProp", "Adagrad", "Adam"):
        path = minimum_norm.run(method, HANDOUT, 1, 200, 0.05, 0)
        assert torch.allclose(path[:, 0], path[:, 1], rtol=1e-13)


def test_from_another_start_gradient_descent_keeps_the_part_outside_the_row_space():
    problem = random_problem(4, 10, 0, from_zero=False)
    end = minimum_norm.run("gradient descent", problem, 4, 3000, 0.0, 0)[-1]
    off = minimum_norm.off_row_space
    assert torch.allclose(off(end, problem.inputs), off(problem.start, problem.inputs), atol=1e-12)
    x, t, start = problem.inputs.numpy(), problem.targets.numpy(), problem.start.numpy()
    nearest = start + np.linalg.pinv(x) @ (t - x @ start)  # the solution nearest to the start
    assert np.allclose(end, nearest, atol=1e-10)


def test_descent_on_the_rate_finds_the_rate_of_the_formula():
    for seed in range(5):
        problem = random_problem(5, 3, seed, from_zero=False)
        assert hypergradient.descend_rate(problem, 60)[-1] == pytest.approx(best_rate(problem), rel=1e-12)


def test_the_demo_of_hypergradients_agrees_with_the_closed_form_and_is_not_convex_only_with_batches():
    demo = hypergradient.demo(descent_steps=60, memory_features=20)
    for row in demo.rows:
        assert row["reverse mode, off by"] < 1e-12
        assert row["forward mode, off by"] < 1e-12
    drawn = [row for row in demo.rows if row["one sample a step"] is not None]
    assert all(row["least curvature, all samples"] > 0 for row in drawn)
    assert drawn[0]["T"] == 1 and drawn[0]["one sample a step"] > 0
    assert min(row["one sample a step"] for row in drawn[1:]) < -1
    peaks = {row["T"]: (row["peak, reverse, bytes"], row["peak, forward, bytes"]) for row in demo.rows}
    assert peaks[128][0] > 4 * peaks[8][0]
    assert peaks[128][1] == peaks[8][1]


@pytest.fixture(scope="module")
def decays():
    return {row["method"]: row for row in weight_decay.demo().rows}


def test_for_sgd_decay_and_penalty_are_the_same_at_half_the_decay_over_the_rate(decays):
    assert decays["SGD"]["largest distance"] < 1e-13


@pytest.mark.parametrize("method", ["momentum", "RMSProp", "Adam"])
def test_for_adaptive_methods_decay_and_penalty_differ(decays, method):
    assert decays[method]["distance at the end"] > 0.05


def test_for_sgd_they_differ_at_any_other_penalty():
    problem = random_problem(20, 10, 0, from_zero=False)
    decayed = weight_decay.run("SGD", problem, 0.02, 0.001, 200, penalty=False)
    other = weight_decay.run("SGD", problem, 0.02, 0.002, 200, penalty=True)
    assert torch.linalg.vector_norm(decayed[-1] - other[-1]) > 1e-3


def test_sgd_with_decay_is_the_handout_s_update():
    """w <- (1 - l) w - eta dL/dw, in numpy."""
    problem = random_problem(6, 4, 1, from_zero=False)
    x, t, w = problem.inputs.numpy(), problem.targets.numpy(), problem.start.numpy()
    for _ in range(30):
        w = (1 - 0.01) * w - 0.05 * 2 / 6 * x.T @ (x @ w - t)
    assert np.allclose(weight_decay.run("SGD", problem, 0.05, 0.01, 30, penalty=False)[-1], w, rtol=1e-12)


def test_the_sentence_states_a_fit_of_the_targets_only_if_there_is_one(norms):
    assert "All of them fit the targets: the largest loss is " in norms.sentences[0]
    printed, why, *proof = minimum_norm.demo(steps=20).sentences
    assert (why, tuple(proof)) == ("Why SGD ends at the minimum norm:", minimum_norm.PROOF)
    worst = max(minimum_norm.demo(steps=20).rows, key=lambda row: row["loss"])
    assert "All of them" not in printed
    assert (
        f"Not all of them fit the targets: the largest loss is {worst['loss']:.1e}, that of {worst['method']}"
        in printed
    )


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
def test_an_invalid_rate_is_refused(rate):
    with pytest.raises(InputError, match="adaptive_lr must be > 0 and finite, got"):
        minimum_norm.demo(adaptive_lr=rate)
    with pytest.raises(InputError, match="eta="):
        weight_decay.demo(eta=rate)
    with pytest.raises(InputError, match="share must be"):
        hypergradient.demo(share=rate)


def test_the_demo_of_paddings_states_which_are_exact_and_which_are_nearest():
    assert "exact, for every multiple of 2" in by_hand.paddings(3).sentences[0]
    assert "exact, for every side" in by_hand.paddings(4, dilation=3).sentences[1]
    assert "the nearest gives 5 for 4 instead of 4" in by_hand.paddings(4, stride=1).sentences[0]
    assert "the side 32" in by_hand.paddings(3, stride=3, factor=2, size=32).sentences[0]
    (none, grows) = by_hand.paddings(3, size=7).sentences
    assert "convolution: none, because side 7 is not a multiple of 2" in none and "exact" in grows
