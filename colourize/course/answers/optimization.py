"""Answers to questions 1 and 2: the solution of an optimizer, the loss by learning rate, weight decay."""

from functools import partial

import torch
from torch import Tensor

from colourize.course.answers import Answer
from colourize.course.theory import closed_forms, minimum_norm, weight_decay
from colourize.course.theory.least_squares import (
    best_rate,
    forward_mode,
    loss_after,
    off_row_space,
    random_problem,
    reverse_mode,
)
from colourize.course.theory.least_squares import minimum_norm as solution_of
from colourize.course.theory.memory import peak_bytes

SAMPLES, FEATURES, BATCH, STEPS = 8, 40, 2, 4000  # of the random problem of 1.1.1
LENGTHS = 8, 64  # numbers of steps for which the memory is compared
ETA, DECAY, DECAY_STEPS = 0.02, 0.001, 500


def least_norm() -> Answer:
    """1.1.1."""
    problem = random_problem(SAMPLES, FEATURES, 0)
    end = minimum_norm.run("mini-batch SGD", problem, BATCH, STEPS, 0.0, 0)[-1]
    best = solution_of(problem.inputs, problem.targets)
    return Answer(
        "Mini-batch SGD from zero finds the minimum-norm solution (d > n, independent rows)",
        [f"{number}. {line}" for number, line in enumerate(minimum_norm.PROOF, 1)],
        notes=[
            f"Measured, n = {SAMPLES}, d = {FEATURES}, {STEPS:,} steps: distance to w* {_share(end - best, best)}, "
            f"part off the row space {_share(off_row_space(end, problem.inputs), best)}, both relative to |w*|."
        ],
        more=["colourize theory demo=minimum_norm"],
    )


def adaptive() -> Answer:
    """1.2."""
    case = minimum_norm.HANDOUT
    best = solution_of(case.inputs, case.targets)
    rows = [["x = [2, 1], t = 2, w_0 = 0", "w"], ["minimum norm", _vector(best)]]
    for name in ("RMSProp", "Adagrad", "Adam"):
        rows.append([name, _vector(minimum_norm.run(name, case, 1, STEPS, 0.05, 0)[-1])])
    return Answer(
        "RMSProp, Adagrad and Adam may find another solution",
        [
            "Each divides a weight's gradient by the size of that weight's own gradients, so a step may leave the row "
            "space of X. With one sample x and w_0 = 0, all weights take equal steps:",
        ],
        {
            "w_i, minimum norm": "t*x_i/(x_1**2 + x_2**2)",
            "w_i, adaptive": "t*sign(x_i)/(Abs(x_1) + Abs(x_2))",
        },
        rows=rows,
        more=["colourize theory demo=minimum_norm"],
    )


def memory() -> Answer:
    """2.1."""
    problem = random_problem(4, 1000, 0, from_zero=False)
    peaks: list[list[int]] = []
    rows = [["steps T", "reverse mode, bytes", "forward mode, bytes"]]
    for steps in LENGTHS:
        rate = 0.5 * best_rate(problem) / steps
        peaks.append([peak_bytes(partial(mode, problem, rate, steps)) for mode in (reverse_mode, forward_mode)])
        rows.append([str(steps), *(f"{peak:,}" for peak in peaks[-1])])
    a_step = (peaks[-1][0] - peaks[0][0]) / (LENGTHS[-1] - LENGTHS[0])
    return Answer(
        "Memory for the loss after T steps and for its derivative with respect to the learning rate",
        [
            "The loss alone needs only the current w: O(1). Backpropagation needs the w of every step, because the "
            "chain rule runs from the last step to the first: O(T). Forward mode needs only w and dw/d eta: O(1).",
        ],
        rows=rows,
        notes=[
            f"Measured: the peak of the bytes in live tensors. Reverse mode takes {a_step:,.0f} more for each step; "
            f"one w has {problem.start.nbytes:,}."
        ],
        more=["colourize theory demo=hypergradient"],
    )


def one_step() -> Answer:
    """2.2.1."""
    problem = random_problem(4, 2, 0, from_zero=False)
    a = problem.residual
    back = problem.inputs.T @ a
    found = closed_forms.best_rate().subs(
        {closed_forms.N: len(a), closed_forms.B: float(back @ back),
         closed_forms.C: float((problem.inputs @ back).square().sum())}
    )  # fmt: skip
    start, least = (float(loss_after(problem, torch.tensor(eta).double(), 1)) for eta in (0.0, float(found)))
    return Answer(
        "The loss after one step as a function of the learning rate",
        [
            "w_1 = w_0 - (2*eta/n) X^T a with a = X w_0 - t, so X w_1 - t = a - (2*eta/n) X X^T a. Its square, with "
            "A = |a|^2, B = |X^T a|^2, C = |X X^T a|^2, over n:",
        ],
        {
            "L_1(eta)": closed_forms.loss_after_one_step(), "second derivative": closed_forms.curvature(),
            "best eta": closed_forms.best_rate(),
        },
        notes=[
            "The second derivative is not negative, so L_1 is convex, and its derivative is 0 at the best eta.",
            f"Measured, n = 4, d = 2: at the best eta, {float(found):.6g}, the loss falls from {start:.4g} to "
            f"{least:.4g}.",
        ],
        more=["colourize theory demo=hypergradient"],
    )  # fmt: skip


def decay() -> Answer:
    """2.3.2."""
    problem = random_problem(20, 10, 0, from_zero=False)
    rows = [["", f"largest distance in {DECAY_STEPS} steps, relative to |w|"]]
    for name in ("SGD", "Adam"):
        decayed, penalized = (weight_decay.run(name, problem, ETA, DECAY, DECAY_STEPS, way) for way in (False, True))
        apart = torch.linalg.vector_norm(decayed - penalized, dim=1) / torch.linalg.vector_norm(penalized, dim=1)
        rows.append([name, f"{float(apart.max()):.2g}"])
    values = {closed_forms.DECAY: DECAY, closed_forms.ETA: ETA}
    return Answer(
        "Weight decay lambda and the L2 penalty lambda-tilde",
        [
            "The penalty lambda-tilde |w|^2 has the gradient 2*lambda-tilde*w. Gradient descent with it is "
            "w <- w - eta*(g + 2*lambda-tilde*w), which is w <- (1 - lambda)*w - eta*g if and only if",
        ],
        {"lambda-tilde": closed_forms.penalty_of_decay()},
        rows,
        notes=[
            f"For lambda {DECAY:g} and eta {ETA:g} it is {float(closed_forms.penalty_of_decay().subs(values)):g}. An "
            "adaptive method divides the penalty's gradient, but not the decay, by the size of the gradients. So the "
            "two differ there."
        ],
        more=["colourize theory demo=weight_decay"],
    )


def _share(part: Tensor, whole: Tensor) -> str:
    return f"{float(torch.linalg.vector_norm(part) / torch.linalg.vector_norm(whole)):.1e}"


def _vector(w: Tensor) -> str:
    return f"({', '.join(f'{value:.4g}' for value in w)})"


ANSWERS = {"1.1.1": least_norm, "1.2": adaptive, "2.1": memory, "2.2.1": one_step, "2.3.2": decay}
