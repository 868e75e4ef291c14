"""Compared with torch's optimizers, and for the hypergradient with autograd through a step."""

import copy
import io

import pytest
import torch
from torch import nn

from colourize.errors import InputError
from colourize.training.hypergradient import Hypergradient
from colourize.training.optimizers import SGDW, RMSpropW

torch_s = torch.optim


def problem(seed=0):
    """A small non-linear regression in float64: weights, and the losses of successive batches."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.double)  # noqa: E731
    x, t = draw(40, 5), draw(40, 1)
    weights = [nn.Parameter(draw(5, 4)), nn.Parameter(draw(4, 1))]
    return (
        weights,
        lambda weights, step: ((x[step % 4 :: 4] @ weights[0]).tanh() @ weights[1] - t[step % 4 :: 4]).square().mean(),
    )


def trajectory(build, num_steps=12):
    weights, loss = problem()
    optimizer, seen = build(weights), []
    for step in range(num_steps):
        optimizer.zero_grad()
        loss(weights, step).backward()
        optimizer.step()
        seen.append(torch.cat([weight.detach().flatten() for weight in weights]))
    return torch.stack(seen)


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        ({"base": "sgd"}, lambda w: torch_s.SGD(w, 0.1)),
        ({"base": "sgd", "momentum": 0.9}, lambda w: torch_s.SGD(w, 0.1, 0.9)),
        ({"base": "sgd", "weight_decay": 0.3}, lambda w: torch_s.SGD(w, 0.1, weight_decay=0.3)),
        ({"base": "adam"}, lambda w: torch_s.Adam(w, 0.1)),
        ({"base": "adam", "weight_decay": 0.3}, lambda w: torch_s.Adam(w, 0.1, weight_decay=0.3)),
        ({"base": "adam", "weight_decay": 0.3, "decoupled": True}, lambda w: torch_s.AdamW(w, 0.1, weight_decay=0.3)),
        ({"base": "sgd", "weight_decay": 0.3, "decoupled": True}, lambda w: SGDW(w, 0.1, weight_decay=0.3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("multiplicative", [False, True])
def test_with_a_fixed_rate_it_equals_torch_s_optimizer(ours, reference, multiplicative):
    build = lambda w: Hypergradient(w, 0.1, 0.0, multiplicative=multiplicative, **ours)  # noqa: E731
    assert torch.allclose(trajectory(build), trajectory(reference), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize(("base", "momentum"), [("sgd", 0.0), ("sgd", 0.9), ("adam", 0.0)])
def test_the_rate_changes_by_the_derivative_of_the_loss_after_the_step(base, momentum, decoupled):
    """eta_(t+1) - eta_t = -beta d/d eta f(w_(t-1) - eta d_t), with autograd for the derivative; the L2 penalty of
    coupled decay is part of f."""
    weights, loss = problem()
    optimizer = Hypergradient(weights, 0.05, 1e-3, base, momentum=momentum, weight_decay=0.2, decoupled=decoupled)
    before = None
    for step in range(6):
        rate = optimizer.param_groups[0]["lr"]
        optimizer.zero_grad()
        loss(weights, step).backward()
        if before is not None:
            eta = torch.tensor(rate, dtype=torch.double, requires_grad=True)
            moved = [w - eta * optimizer.state[p]["direction"] for w, p in zip(before, weights, strict=True)]
            penalty = 0.0 if decoupled else 0.1 * sum(w.square().sum() for w in moved)
            (derivative,) = torch.autograd.grad(loss(moved, step) + penalty, eta)
        kept = [w.detach().clone() for w in weights]
        optimizer.step()
        if before is not None:
            assert optimizer.param_groups[0]["lr"] - rate == pytest.approx(-1e-3 * derivative.item(), rel=1e-9)
        before = kept


def test_the_multiplicative_rule_uses_the_cosine():
    weights = [nn.Parameter(torch.tensor([3.0, 4.0], dtype=torch.double))]
    optimizer = Hypergradient(weights, 0.1, 0.5, "sgd", multiplicative=True)
    for gradient in ([1.0, 0.0], [3.0, 4.0]):
        weights[0].grad = torch.tensor(gradient, dtype=torch.double)
        optimizer.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * (1 + 0.5 * 3 / 5), rel=1e-12)
    weights[0].grad = torch.zeros(2, dtype=torch.double)
    optimizer.step()  # no direction, no change, no NaN
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.13, rel=1e-12)


def test_an_additive_rate_stops_at_zero_and_can_rise_again():
    weights = [nn.Parameter(torch.ones(1, dtype=torch.double))]
    optimizer = Hypergradient(weights, 0.1, 1.0, "sgd")
    rates = []
    for gradient in (1.0, -5.0, -5.0):
        weights[0].grad = torch.full((1,), gradient, dtype=torch.double)
        optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.1, 0.0, 25.0]


def test_on_a_parabola_a_small_rate_grows_and_the_loss_falls_further():
    def end(hyper_lr):
        weight = nn.Parameter(torch.full((3,), 5.0, dtype=torch.double))
        optimizer = Hypergradient([weight], 1e-5, hyper_lr, "sgd")
        for _ in range(100):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()
        return weight.detach().square().sum().item(), optimizer.param_groups[0]["lr"]

    (plain, rate), (tuned, tuned_rate) = end(0.0), end(1e-4)
    assert rate == 1e-5 and 0.05 < tuned_rate < 1
    assert tuned < 1e-6 * plain


@pytest.mark.parametrize(
    "build",
    [
        lambda w: Hypergradient(w, 0.01, 1e-3), lambda w: Hypergradient(w, 0.01, 0.1, "sgd", True, 0.9),
        lambda w: SGDW(w, 0.01, 0.9, True, 0.1), lambda w: RMSpropW(w, 0.01, weight_decay=0.1),
    ],
)  # fmt: skip
def test_its_state_survives_a_file_bit_by_bit(build):
    weights, loss = problem()
    optimizer = build(weights)

    def steps(weights, optimizer, numbers):
        for step in numbers:
            optimizer.zero_grad()
            loss(weights, step).backward()
            optimizer.step()

    steps(weights, optimizer, range(5))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    others = copy.deepcopy(weights)
    steps(weights, optimizer, range(5, 11))
    again = build(others)
    again.load_state_dict(torch.load(file, weights_only=True))
    steps(others, again, range(5, 11))
    assert all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
    assert again.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize(
    ("build", "plain", "decay"),
    [
        (lambda w: SGDW(w, 0.1, 0.9, True, 0.3), lambda w: torch_s.SGD(w, 0.1, 0.9, nesterov=True), 0.3),
        (lambda w: RMSpropW(w, 0.1, weight_decay=0.3), lambda w: torch_s.RMSprop(w, 0.1), 0.3),
    ],
)
def test_decoupled_decay_is_torch_s_step_from_the_decayed_weights(build, plain, decay):
    """w <- (1 - eta decay) w, then the plain optimizer's step with the gradient from before the decay."""
    ours, (weights, loss) = trajectory(build), problem()
    optimizer = plain(weights)
    for step in range(12):
        optimizer.zero_grad()
        loss(weights, step).backward()
        with torch.no_grad():
            for weight in weights:
                weight *= 1 - 0.1 * decay
        optimizer.step()
        assert torch.allclose(torch.cat([w.detach().flatten() for w in weights]), ours[step], rtol=1e-12)


def test_a_closure_is_evaluated_before_the_weights_change():
    for build in (lambda w: SGDW(w, 1e-3), lambda w: RMSpropW(w, 1e-4), lambda w: Hypergradient(w, 1e-3)):
        weights, loss = problem()
        optimizer = build(weights)

        def closure(weights=weights, loss=loss, optimizer=optimizer):
            optimizer.zero_grad()
            value = loss(weights, 0)
            value.backward()
            return value

        expected = loss(weights, 0).item()
        assert optimizer.step(closure).item() == expected
        assert loss(weights, 0).item() < expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"base": "adagrad"}, "optimizer.base must be one of sgd, adam, got adagrad"),
        ({"betas": (0.9, 1.0)}, r"optimizer.betas must be two numbers in \[0, 1\), got \[0.9, 1.0\]"),
        ({"betas": (0.9,)}, r"optimizer.betas must be two numbers in \[0, 1\), got \[0.9\]"),
        ({"momentum": 0.9}, "optimizer.momentum must be 0 with base=adam, which has betas instead, got 0.9"),
        ({"base": "sgd", "betas": (0.8, 0.9)}, r"optimizer.betas must be left out with base=sgd, .* got \[0.8, 0.9\]"),
        ({"hyper_lr": -1}, "optimizer.hyper_lr must be >= 0 and finite, got -1"),
        ({"hyper_lr": float("nan")}, "optimizer.hyper_lr must be >= 0 and finite, got nan"),
        (
            {"hyper_lr": 1.0, "multiplicative": True},
            r"optimizer.hyper_lr must be in \[0, 1\) with multiplicative=true, got 1.0",
        ),
    ],
)
def test_invalid_values_of_the_hypergradient_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        Hypergradient([nn.Parameter(torch.ones(1))], **values)


@pytest.mark.parametrize(
    ("values", "message", "of"),
    [
        ({"lr": 0.0}, "optimizer.lr must be > 0 and finite, got 0.0", (Hypergradient, SGDW, RMSpropW)),
        ({"lr": float("nan")}, "optimizer.lr must be > 0 and finite, got nan", (Hypergradient, SGDW, RMSpropW)),
        ({"lr": float("inf")}, "optimizer.lr must be > 0 and finite, got inf", (Hypergradient, SGDW, RMSpropW)),
        (
            {"weight_decay": -1.0},
            "optimizer.weight_decay must be >= 0 and finite, got -1.0",
            (Hypergradient, SGDW, RMSpropW),
        ),
        (
            {"weight_decay": float("inf")},
            "optimizer.weight_decay must be >= 0 and finite, got inf",
            (Hypergradient, SGDW, RMSpropW),
        ),
        ({"momentum": 1.0}, r"optimizer.momentum must be in \[0, 1\), got 1.0", (Hypergradient, SGDW, RMSpropW)),
        ({"eps": 0.0}, "optimizer.eps must be > 0 and finite, got 0.0", (Hypergradient, RMSpropW)),
        ({"alpha": 1.0}, r"optimizer.alpha must be in \[0, 1\), got 1.0", (RMSpropW,)),
        ({"nesterov": True}, "optimizer.momentum must be > 0 with nesterov=true, got 0.0; pass 0.9", (SGDW,)),
    ],
)
def test_every_optimizer_checks_the_same_values(values, message, of):
    for kind in of:
        with pytest.raises(InputError, match=message):
            kind([nn.Parameter(torch.ones(1))], **values)
