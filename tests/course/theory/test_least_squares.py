"""Each formula, compared with autograd, numpy or explicit steps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from colourize.course.theory.least_squares import (
    Problem,
    best_rate,
    curvature,
    descended,
    forward_mode,
    gradient,
    hypergradient_closed_form,
    loss,
    loss_after,
    loss_closed_form,
    minimum_norm,
    off_row_space,
    random_problem,
    reverse_mode,
)
from colourize.errors import InputError

problems = st.builds(random_problem, st.integers(1, 6), st.integers(1, 8), st.integers(0, 1000), st.just(False))


def scalar(value):
    return torch.tensor(value, dtype=torch.float64)


@settings(deadline=None)
@given(problems)
def test_the_gradient_equals_autograd_s(problem):
    w = problem.start.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(w, problem.inputs, problem.targets), w)
    assert torch.allclose(gradient(w.detach(), problem.inputs, problem.targets), expected, atol=1e-12)


def test_the_minimum_norm_solution_equals_the_pseudo_inverse_s():
    problem = random_problem(5, 12, 0)
    expected = np.linalg.pinv(problem.inputs.numpy()) @ problem.targets.numpy()
    ours = minimum_norm(problem.inputs, problem.targets)
    assert np.allclose(ours, expected, atol=1e-13)
    assert torch.linalg.vector_norm(off_row_space(ours, problem.inputs)) < 1e-13


def test_components_outside_the_row_space_do_not_change_predictions():
    problem = random_problem(4, 9, 1, from_zero=False)
    off = off_row_space(problem.start, problem.inputs)
    assert torch.allclose(problem.inputs @ off, torch.zeros(4).double(), atol=1e-13)
    assert torch.linalg.vector_norm(off) > 0.1


def test_gradient_descent_converges_below_two_over_the_curvature_and_not_above():
    problem = random_problem(6, 3, 2, from_zero=False)
    for factor, grows in ((1.9, False), (2.1, True)):
        eta = scalar(factor / curvature(problem.inputs))
        assert (loss_after(problem, eta, 40) > loss_after(problem, eta, 5)).item() is grows


@settings(deadline=None)
@given(problems, st.floats(0.01, 0.4), st.integers(1, 12))
def test_the_closed_forms_equal_the_result_of_the_steps(problem, share, steps):
    eta = scalar(share / curvature(problem.inputs))
    assert torch.allclose(loss_closed_form(problem, eta, steps), loss_after(problem, eta, steps), rtol=1e-9, atol=1e-14)
    closed = float(hypergradient_closed_form(problem, eta, steps))
    assert reverse_mode(problem, float(eta), steps) == pytest.approx(closed, rel=1e-8, abs=1e-13)
    assert forward_mode(problem, float(eta), steps) == pytest.approx(closed, rel=1e-8, abs=1e-13)


@settings(deadline=None)
@given(problems, st.floats(0.0, 2.0))
def test_one_step_has_the_hypergradient_of_the_handout(problem, eta):
    """dL_1/d eta = -4/n^2 (|X^T a|^2 - 2 eta/n |X X^T a|^2), a = X w_0 - t."""
    x, a = problem.inputs.numpy(), problem.residual.numpy()
    n = len(a)
    expected = -4 / n**2 * (np.sum((x.T @ a) ** 2) - 2 * eta / n * np.sum((x @ x.T @ a) ** 2))
    assert reverse_mode(problem, eta, 1) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    after = a - 2 * eta / n * x @ x.T @ a
    assert float(loss_after(problem, scalar(eta), 1)) == pytest.approx(np.sum(after**2) / n, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(problems)
def test_at_the_best_rate_the_hypergradient_of_one_step_vanishes_and_the_loss_is_minimal(problem):
    best = best_rate(problem)
    scale = abs(reverse_mode(problem, 0.0, 1))
    assert abs(reverse_mode(problem, best, 1)) < 1e-9 * scale + 1e-13
    around = [float(loss_after(problem, scalar(best * factor), 1)) for factor in (0.9, 1.0, 1.1)]
    assert around[1] <= min(around)


@settings(deadline=None)
@given(problems, st.integers(1, 6), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_with_all_samples_a_step_the_loss_is_convex_in_the_rate_for_every_number_of_steps(problem, steps, a, b, mix):
    """Jensen's inequality between any two rates."""
    low, high = (float(loss_after(problem, scalar(x / curvature(problem.inputs) * 2), steps)) for x in (a, b))
    between = scalar((mix * a + (1 - mix) * b) / curvature(problem.inputs) * 2)
    assert float(loss_after(problem, between, steps)) <= mix * low + (1 - mix) * high + 1e-9 * (low + high)


def test_with_another_sample_each_step_it_is_convex_at_one_step_and_not_at_two():
    """x_1 = 1, x_2 = 3, t = 0: L_2 = c (1 - 2 eta)^2 (1 - 18 eta)^2, zero at 1/18 and at 1/2 and not between."""
    problem = Problem(torch.tensor([[1.0], [3.0]]).double(), torch.zeros(2).double(), torch.ones(1).double())
    batches = [torch.tensor([0]), torch.tensor([1])]
    for eta in (0.1, 0.3, 0.7):
        expected = 5 * ((1 - 2 * eta) * (1 - 18 * eta)) ** 2
        assert float(loss_after(problem, scalar(eta), 2, batches)) == pytest.approx(expected, rel=1e-12)
    ends = [float(loss_after(problem, scalar(eta), 2, batches)) for eta in (1 / 18, 1 / 2)]
    assert max(ends) < 1e-25 < 1 < float(loss_after(problem, scalar(0.28), 2, batches))
    once = [float(loss_after(problem, scalar(eta), 1, batches)) for eta in (0.2, 0.4, 0.6)]
    assert once[1] <= (once[0] + once[2]) / 2


def test_batches_take_turns():
    problem = random_problem(4, 3, 3, from_zero=False)
    batches = [torch.tensor([0, 1]), torch.tensor([2, 3])]
    w = problem.start
    for rows in (batches[0], batches[1], batches[0]):
        w = w - 0.1 * gradient(w, problem.inputs[rows], problem.targets[rows])
    assert torch.equal(descended(problem, scalar(0.1), 3, batches), w)
    assert reverse_mode(problem, 0.1, 3, batches) == pytest.approx(forward_mode(problem, 0.1, 3, batches), rel=1e-12)


def test_a_problem_without_samples_is_refused():
    with pytest.raises(InputError, match="num_samples and num_features must be >= 1, got 0 and 3"):
        random_problem(0, 3, 0)
