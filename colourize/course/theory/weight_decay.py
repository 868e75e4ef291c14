"""Weight decay against an L2 penalty (CSC413 2023, assignment 2, question 2.3).

Decay is w <- (1 - l) w - eta dL/dw; the penalty is L + m |w|^2, whose gradient adds 2 m w. For gradient descent both
are the same at m = l / (2 eta). With momentum the penalty enters the velocity; an adaptive method divides it by the
size of the gradients, so weights with large gradients shrink less. There the two differ (Loshchilov, Hutter 2019,
arXiv 1711.05101).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from colourize.course.theory import Demo, distances
from colourize.course.theory.closed_forms import penalty_of_decay
from colourize.course.theory.least_squares import Problem, gradient, random_problem
from colourize.errors import InputError
from colourize.training.optimizers import SGDW, RMSpropW

Build = Callable[[list[Tensor], float], Optimizer]
Decay = Callable[[list[Tensor], float, float], Optimizer]  # takes l / eta, as torch's AdamW does
TITLE = "Distance between the weights with weight decay and with the L2 penalty l / (2 eta), relative to |w|"
YLABEL = "|w decay - w penalty| / |w penalty|"
METHODS: dict[str, tuple[Build, Decay, bool]] = {
    "SGD": (lambda w, eta: SGD(w, eta), lambda w, eta, d: SGDW(w, eta, weight_decay=d), True),
    "momentum": (
        lambda w, eta: SGD(w, eta, momentum=0.9),
        lambda w, eta, d: SGDW(w, eta, momentum=0.9, weight_decay=d),
        False,
    ),
    "RMSProp": (lambda w, eta: RMSprop(w, eta), lambda w, eta, d: RMSpropW(w, eta, weight_decay=d), False),
    "Adam": (lambda w, eta: Adam(w, eta), lambda w, eta, d: AdamW(w, eta, weight_decay=d), False),
}


def demo(
    num_samples: int = 20,
    num_features: int = 10,
    eta: float = 0.02,
    decay: float = 0.001,
    steps: int = 500,
    seed: int = 0,
) -> Demo:
    """Runs every method with decay and with the penalty m = decay / (2 eta) from the same start.

    Args:
        decay: l in (0, 1), the share of the weights that a step removes.

    Raises:
        InputError: a decay outside (0, 1); a rate or a number of steps that is not positive.
    """
    if not 0 < decay < 1 or not 0 < eta < math.inf or steps < 1:
        raise InputError(
            f"must be 0 < decay < 1, 0 < eta < inf and steps >= 1, got decay={decay}, eta={eta}, steps={steps}"
        )
    problem = random_problem(num_samples, num_features, seed, from_zero=False)
    rows, curves = [], {}
    for name, (_, _, same) in METHODS.items():
        decayed, penalized = (run(name, problem, eta, decay, steps, penalty) for penalty in (False, True))
        curves[name] = torch.linalg.vector_norm(decayed - penalized, dim=1) / torch.linalg.vector_norm(penalized, dim=1)
        rows.append(
            {
                "method": name,
                "theorem": "the same" if same else "they differ",
                "largest distance": float(curves[name].max()),
                "distance at the end": float(curves[name][-1]),
                "|w| with decay": float(torch.linalg.vector_norm(decayed[-1])),
                "|w| with penalty": float(torch.linalg.vector_norm(penalized[-1])),
            }
        )
    sentences = [
        f"lambda-tilde = {penalty_of_decay()} = {decay:g}/(2*{eta:g}) = {decay / (2 * eta):g}, by comparing "
        "w <- (1 - lambda)*w - eta*g with w <- w - eta*(g + 2*lambda-tilde*w)",
        f"decay {decay:g} a step, eta {eta:g}, penalty {decay / (2 * eta):g}; distances relative to |w|, over {steps} "
        "steps",
    ]
    return Demo("Weight decay and L2 penalty", rows, sentences, distances(TITLE, YLABEL, curves))


def run(name: str, problem: Problem, eta: float, decay: float, steps: int, penalty: bool) -> Tensor:
    """The weights after each step, with decay or with the penalty in the gradient: float64 [steps + 1, d]."""
    plain, decoupled, _ = METHODS[name]
    w = problem.start.clone().requires_grad_()
    optimizer = plain([w], eta) if penalty else decoupled([w], eta, decay / eta)
    path = [problem.start]
    for _ in range(steps):
        w.grad = gradient(w.detach(), problem.inputs, problem.targets)
        if penalty:
            w.grad += 2 * (decay / (2 * eta)) * w.detach()
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)
