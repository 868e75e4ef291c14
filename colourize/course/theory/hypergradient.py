"""The loss as a function of the learning rate (CSC413 2023, assignment 2, questions 2.1 and 2.2).

L_T(eta) is the loss after T steps of gradient descent. Automatic differentiation through the steps gives its
derivative, the hypergradient: reverse mode keeps every step, O(T) memory; forward mode keeps only w and dw/d eta, O(1).
L_1 is a parabola in eta with its minimum at n |X^T a|^2 / (2 |X X^T a|^2), a = X w_0 - t. With full gradients on least
squares, L_T is convex in eta for every T (``least_squares.loss_closed_form``). With another batch in each step the
factors of the residual differ, and for T >= 2 the loss may not be convex.
"""

from typing import Any

import torch
from torch import Tensor

from colourize.course.theory import Demo, closed_forms, figure
from colourize.course.theory.least_squares import (
    Problem,
    best_rate,
    forward_mode,
    hypergradient_closed_form,
    loss_after,
    random_problem,
    reverse_mode,
)
from colourize.course.theory.memory import peak_bytes, saved_bytes
from colourize.errors import InputError

CURVES = 1, 2, 4, 8
MEMORY = 1, 2, 4, 8, 16, 32, 64, 128


def demo(
    num_samples: int = 4,
    num_features: int = 2,
    share: float = 0.5,
    descent_steps: int = 60,
    memory_features: int = 1000,
    seed: int = 0,
) -> Demo:
    """Compares both modes with the closed form, finds the best rate in two ways, draws L_T and measures memory.

    Args:
        share: hypergradients are computed at this share of the best rate of one step, divided by T, where they are far
            from 0, so that relative errors are meaningful.
        descent_steps: number of steps of gradient descent on eta.
        memory_features: d of the problem on which memory is measured.

    Raises:
        InputError: a size below 1, a share outside (0, 1).
    """
    if memory_features < 1:
        raise InputError(f"demo.memory_features must be >= 1, got {memory_features}")
    if not 0 < share < 1:
        raise InputError(
            f"demo.share must be between 0 and 1, got {share}; at the best rate itself the hypergradient is 0"
        )
    problem = random_problem(num_samples, num_features, seed, from_zero=False)
    if descent_steps < 1:
        raise InputError(f"demo.descent_steps must be >= 1, got {descent_steps}")
    batches = [torch.tensor([row]) for row in range(num_samples)]
    best, path = best_rate(problem), descend_rate(problem, descent_steps)
    rates = torch.linspace(0, 2 * best, 161, dtype=torch.float64)
    curves = {steps: curve(problem, rates, steps, None) for steps in CURVES}
    stochastic = {steps: curve(problem, rates, steps, batches) for steps in CURVES}
    wide = random_problem(num_samples, memory_features, seed, from_zero=False)
    etas = {steps: share * best / steps for steps in MEMORY}
    memory = {steps: _memory(wide, etas[steps], steps) for steps in MEMORY}
    rows = [
        _row(problem, etas[steps], steps, curves.get(steps), stochastic.get(steps), memory[steps]) for steps in MEMORY
    ]
    sentences = [
        "one step, a = X w_0 - t, A = |a|^2, B = |X^T a|^2, C = |X X^T a|^2: "
        f"L_1(eta) = {closed_forms.loss_after_one_step()}, least at eta = {closed_forms.best_rate()}",
        f"best rate for one step: {best:.15g} by formula, {path[-1]:.15g} by descent on eta from 0",
        "full gradient descent: L_T is convex in eta for every T; one sample a step: the least second derivative is "
        + ", ".join(f"{float(second.min()):.3g} at T = {steps}" for steps, (_, second) in stochastic.items()),
        f"memory from T = {MEMORY[0]} to {MEMORY[-1]}: reverse mode {memory[MEMORY[0]]['peak, reverse']:,} to "
        f"{memory[MEMORY[-1]]['peak, reverse']:,} bytes, forward mode {memory[MEMORY[0]]['peak, forward']:,} to "
        f"{memory[MEMORY[-1]]['peak, forward']:,}",
    ]
    return Demo("Hypergradient", rows, sentences, _figure(problem, rates, curves, stochastic, path, memory))


def descend_rate(problem: Problem, steps: int) -> list[float]:
    """All rates of a gradient descent on eta from 0, with the hypergradient of one step and half of Newton's step."""
    a = problem.residual
    second = 8 / len(a) ** 3 * float((problem.inputs @ (problem.inputs.T @ a)).square().sum())
    path = [0.0]
    for _ in range(steps):
        path.append(path[-1] - 0.5 / second * reverse_mode(problem, path[-1], 1))
    return path


def curve(problem: Problem, rates: Tensor, steps: int, batches: list[Tensor] | None) -> tuple[Tensor, Tensor]:
    """L_T and its second derivative at every rate, by automatic differentiation twice: float64 [E], [E]."""
    eta = rates.clone().requires_grad_()
    values = torch.vmap(lambda rate: loss_after(problem, rate, steps, batches))(eta)
    (first,) = torch.autograd.grad(values.sum(), eta, create_graph=True)  # each value depends on its own rate only
    (second,) = torch.autograd.grad(first.sum(), eta)
    return values.detach(), second


def _memory(problem: Problem, eta: float, steps: int) -> dict[str, int]:
    rate = torch.tensor(eta, dtype=torch.float64, requires_grad=True)
    return {
        "peak, reverse": peak_bytes(lambda: reverse_mode(problem, eta, steps)),
        "peak, forward": peak_bytes(lambda: forward_mode(problem, eta, steps)),
        "kept for backward": saved_bytes(lambda: loss_after(problem, rate, steps)),
    }


def _row(
    problem: Problem,
    eta: float,
    steps: int,
    full: tuple[Tensor, Tensor] | None,
    stochastic: tuple[Tensor, Tensor] | None,
    memory: dict[str, int],
) -> dict[str, Any]:
    closed = float(hypergradient_closed_form(problem, torch.tensor(eta, dtype=torch.float64), steps))
    return {
        "T": steps,
        "eta": eta,
        "closed form": closed,
        "reverse mode, off by": abs(reverse_mode(problem, eta, steps) / closed - 1),
        "forward mode, off by": abs(forward_mode(problem, eta, steps) / closed - 1),
        "least curvature, all samples": None if full is None else float(full[1].min()),
        "one sample a step": None if stochastic is None else float(stochastic[1].min()),
        **{f"{name}, bytes": value for name, value in memory.items()},
    }


def _figure(problem: Problem, rates: Tensor, curves: Any, stochastic: Any, path: list[float], memory: Any) -> Any:
    made = figure("Loss after T steps against the learning rate, and memory of its derivative", width=11, height=7)
    axes = made.subplots(2, 2)
    lost = any(second.min() < 0 for _, second in stochastic.values())
    start = float(loss_after(problem, torch.zeros((), dtype=torch.float64), 0))
    for axis, drawn, title in (
        (axes[0, 0], curves, "full gradient: convex for every T"),
        (axes[0, 1], stochastic, "another sample each step" + (": not convex" if lost else "")),
    ):
        for steps, (values, _) in drawn.items():
            axis.plot(rates, values, label=f"T = {steps}")
        axis.set(title=title, xlabel="eta", ylabel="L_T(eta)", ylim=(0, 2 * start))
        axis.set_xlim(0, max(float(rates[values < 2 * start].max()) for values, _ in drawn.values()))
    axes[0, 0].axvline(best_rate(problem), color="0.5", linestyle=":", label="best for T = 1")
    axes[1, 0].plot(path, marker=".")
    axes[1, 0].axhline(best_rate(problem), color="0.5", linestyle=":", label="formula")
    axes[1, 0].set(title="descent on eta, T = 1", xlabel="step on eta", ylabel="eta")
    for name in ("reverse", "forward"):
        axes[1, 1].loglog(list(memory), [row[f"peak, {name}"] for row in memory.values()], "o-", label=f"{name} mode")
    axes[1, 1].set(title="peak bytes of live tensors", xlabel="T", ylabel="bytes")
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    return made
