"""Compared with the singular value decomposition, and with torch's Muon (matrices only) and AdamW."""

import copy
import io
import math

import pytest
import torch
from torch import nn

from colourize.errors import InputError
from colourize.training.muon import COEFFICIENTS, Muon, orthogonalized

SHAPES = [(4, 4), (3, 8), (8, 3), (64, 288), (1, 5), (5, 1), (1, 1)]


def draw(*shape, seed=0, dtype=torch.double):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def polynomial(values, iterations=5):
    a, b, c = COEFFICIENTS
    for _ in range(iterations):
        values = a * values + b * values**3 + c * values**5
    return values


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("iterations", [1, 5])
def test_it_applies_the_polynomial_to_the_singular_values_and_keeps_the_singular_vectors(shape, iterations):
    matrix = draw(*shape)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    expected = left @ torch.diag(polynomial(values / values.norm(), iterations)) @ right
    assert torch.allclose(orthogonalized(matrix, iterations), expected, atol=1e-10)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != (4, 4)])
def test_singular_values_are_near_one_so_that_it_is_near_the_polar_factor(shape):
    """A random square matrix may have a singular value below the band's lower end."""
    matrix = draw(*shape, dtype=torch.float32)
    found = orthogonalized(matrix)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.68 and values.max() < 1.14
    assert torch.linalg.matrix_norm(found - left @ right, 2) < 0.33


def test_every_singular_value_of_the_band_ends_near_one():
    ended = polynomial(torch.logspace(-2, 0, 10_001, dtype=torch.double))
    assert ended.min() > 0.68 and ended.max() < 1.14


@pytest.mark.parametrize("scale", [1e-18, 1.0, 1e18])
def test_the_scale_of_a_gradient_has_no_effect(scale):
    matrix = draw(6, 9, dtype=torch.float32)
    assert torch.allclose(orthogonalized(scale * matrix), orthogonalized(matrix), atol=1e-5)


def test_a_zero_stays_zero_and_half_precision_is_computed_in_float32():
    assert torch.equal(orthogonalized(torch.zeros(3, 5)), torch.zeros(3, 5))
    matrix = draw(6, 9).bfloat16()
    assert torch.equal(orthogonalized(matrix), orthogonalized(matrix.float()))


def trajectory(build, weights, steps=6):
    """The weights after steps with given gradients, which do not depend on them."""
    optimizer = build(weights)
    for step in range(steps):
        for number, weight in enumerate(weights):
            weight.grad = draw(*weight.shape, seed=10 * step + number, dtype=weight.dtype)
        optimizer.step()
    return [weight.detach() for weight in weights]


def parameters(*shapes, dtype=torch.double):
    return [nn.Parameter(draw(*shape, seed=number, dtype=dtype)) for number, shape in enumerate(shapes)]


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_a_matrix_takes_the_steps_of_torch_s_muon(decay):
    """torch's iterations are in bfloat16, with relative errors of 2^-8."""
    shapes = (6, 20), (20, 6)
    ours = trajectory(lambda w: Muon(w, 0.01, (0.8, 0.9), weight_decay=decay), parameters(*shapes))
    reference = trajectory(
        lambda w: torch.optim.Muon(w, 0.01, decay, 0.8, adjust_lr_fn="match_rms_adamw"), parameters(*shapes)
    )
    for found, expected, start in zip(ours, reference, parameters(*shapes), strict=True):
        assert (found - expected).norm() < 0.02 * (expected - start).norm()


def test_vectors_take_the_steps_of_adamw_at_the_same_rate():
    shapes = (7,), (3, 5), (4,)
    ours = trajectory(lambda w: Muon(w, 0.01, (0.8, 0.9), weight_decay=0.3), parameters(*shapes))
    reference = trajectory(lambda w: torch.optim.AdamW(w, 0.01, (0.8, 0.9), weight_decay=0.3), parameters(*shapes))
    assert [torch.allclose(a, b, rtol=1e-12) for a, b in zip(ours, reference, strict=True)] == [True, False, True]


def test_a_convolution_is_the_matrix_of_its_outputs_in_any_memory_order():
    whole, flat = parameters((6, 2, 3, 3)), parameters((6, 18))
    flat[0].data = whole[0].detach().flatten(1).clone()
    ordered = [nn.Parameter(whole[0].detach().to(memory_format=torch.channels_last))]
    ended = []
    for weights in (whole, flat, ordered):
        optimizer = Muon(weights, 0.01)
        for step in range(3):
            gradient = draw(6, 18, seed=step)
            weights[0].grad = gradient.view_as(weights[0]).contiguous(memory_format=torch.preserve_format)
            optimizer.step()
        ended.append(weights[0].detach().flatten(1))
    assert torch.allclose(ended[0], ended[1], rtol=1e-12) and torch.allclose(ended[0], ended[2], rtol=1e-12)


@pytest.mark.parametrize("shape", [(32, 9), (64, 288), (24, 216), (288, 64)])
def test_the_root_mean_square_of_an_update_is_about_the_rate_times_rms(shape):
    """Singular values near 1 give a matrix of Frobenius norm sqrt(min(M, N)) and M N entries."""
    start = parameters(shape)
    (ended,) = trajectory(lambda w: Muon(w, 0.01, rms=0.5), parameters(shape), steps=1)
    assert (ended - start[0]).square().mean().sqrt().item() == pytest.approx(0.01 * 0.5, rel=0.25)


def test_decay_shrinks_weights_by_the_rate_times_the_decay():
    shapes = (3, 5), (4,)
    start, weights = parameters(*shapes), parameters(*shapes)
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    Muon(weights, 0.1, weight_decay=0.3).step()
    assert all(torch.allclose(w, (1 - 0.03) * s, rtol=1e-12) for w, s in zip(weights, start, strict=True))


def test_gradients_stay_and_a_weight_without_one_does_not_change():
    weights = parameters((3, 5), (4,), (2, 2), (2,))
    given = [torch.ones_like(weight) for weight in weights[:2]]
    weights[0].grad, weights[1].grad = given
    optimizer = Muon(weights, 0.1)
    optimizer.step()
    assert weights[0].grad is given[0] and weights[1].grad is given[1]
    assert all(torch.equal(a, b) for a, b in zip(weights[2:], parameters((3, 5), (4,), (2, 2), (2,))[2:], strict=True))
    assert {id(weight) for weight in optimizer.state} == {id(weight) for weight in weights[:2]}


def test_groups_have_rates_of_their_own_and_a_schedule_moves_both_momenta():
    weights = parameters((3, 5), (3, 5))
    weights[1].data = weights[0].detach().clone()
    start = weights[0].detach().clone()
    optimizer = Muon([{"params": weights[:1]}, {"params": weights[1:], "lr": 0.001}], 0.01)
    for weight in weights:
        weight.grad = draw(3, 5, seed=5)
    optimizer.step()
    assert torch.allclose(weights[0] - start, 10 * (weights[1] - start), rtol=1e-9)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=10)
    assert all(group["betas"][0] == 0.95 for group in optimizer.param_groups)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_its_state_survives_a_file_bit_by_bit(memory):
    def steps(weights, optimizer, numbers):
        for step in numbers:
            for number, weight in enumerate(weights):
                weight.grad = draw(*weight.shape, seed=10 * step + number, dtype=weight.dtype) + weight.detach()
            optimizer.step()

    weights = parameters((6, 4, 3, 3), (4,), (3, 4), dtype=torch.float32)
    weights[0].data = weights[0].detach().to(memory_format=memory)
    optimizer = Muon(weights, 0.01, weight_decay=0.1)
    steps(weights, optimizer, range(4))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    others = copy.deepcopy(weights)
    steps(weights, optimizer, range(4, 8))
    again = Muon(others, 0.01, weight_decay=0.1)
    again.load_state_dict(torch.load(file, weights_only=True))
    steps(others, again, range(4, 8))
    assert all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))


def test_a_closure_is_evaluated_before_the_weights_change():
    (weight,) = parameters((3, 5))
    optimizer = Muon([weight], 1e-4)

    def closure():
        optimizer.zero_grad()
        value = weight.square().sum()
        value.backward()
        return value

    before = weight.square().sum().item()
    assert optimizer.step(closure).item() == before
    assert weight.square().sum().item() < before


@pytest.mark.parametrize("scale", [1024.0, math.inf])
def test_with_a_scaler_of_gradients_matrices_and_vectors_take_the_same_step_or_none(scale):
    """AdamW's own fused step undoes the scale, which it could do for the vectors only."""
    plain, scaled = parameters((3, 5), (4,)), parameters((3, 5), (4,))
    for weights in (plain, scaled):
        for number, weight in enumerate(weights):
            weight.grad = draw(*weight.shape, seed=number)
    if math.isfinite(scale):
        Muon(plain, 0.1).step()
    scaler, optimizer = torch.amp.GradScaler("cpu", init_scale=1024.0), Muon(scaled, 0.1)
    scaler.scale(torch.ones(()))
    scaled[0].grad *= 1024.0
    scaled[1].grad *= scale
    scaler.step(optimizer)
    assert all(torch.allclose(a, b, rtol=1e-6) for a, b in zip(scaled, plain, strict=True))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 0.0}, "optimizer.lr must be > 0 and finite, got 0.0"),
        ({"betas": (0.9, 1.0)}, r"optimizer.betas must be two numbers in \[0, 1\), got \[0.9, 1.0\]"),
        ({"weight_decay": -1.0}, "optimizer.weight_decay must be >= 0 and finite, got -1.0"),
        ({"eps": 0.0}, "optimizer.eps must be > 0 and finite, got 0.0"),
        ({"rms": 0.0}, "optimizer.rms must be > 0 and finite, got 0.0"),
        ({"rms": math.nan}, "optimizer.rms must be > 0 and finite, got nan"),
        ({"iterations": 0}, r"optimizer.iterations must be in \[1, 20\], got 0"),
    ],
)
def test_values_out_of_range_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        Muon(parameters((2, 2)), **values)
