"""Which of many solutions an optimizer finds (CSC413 2023, assignment 2, questions 1.1 and 1.2).

With more weights than samples, w + z fits as well as w for every z with X z = 0. The gradient is in the row space of X.
So from w_0 = 0 gradient descent, in batches or with momentum, stays in the row space and ends at the only solution in
it, the minimum-norm solution X^T (X X^T)^-1 t. An adaptive method divides each weight's gradient by its own size and
leaves the row space. For one sample x the sizes are proportional to |x_i|, so every weight moves by the same amount,
and RMSProp, Adagrad and Adam end at t sign(x) / |x|_1 (with epsilon = 0): for x = [2, 1], t = 2 at (2/3, 2/3) instead
of (4/5, 2/5).
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, Optimizer, RMSprop
from torch.optim.lr_scheduler import ExponentialLR

from colourize.course.theory import Demo, distances
from colourize.course.theory.least_squares import (
    Problem,
    curvature,
    gradient,
    loss,
    minimum_norm,
    off_row_space,
    random_problem,
)
from colourize.errors import InputError

FITTED = 1e-12  # largest loss at which the targets count as fitted; that of w_0 is about 1
HANDOUT = Problem(torch.tensor([[2.0, 1.0]]).double(), torch.tensor([2.0]).double(), torch.zeros(2).double())
TINY = 1e-30  # epsilon of the adaptive methods: 0, except to avoid 0/0
Build = Callable[[list[Tensor], float], Optimizer]
TITLE = "Distance to the minimum-norm solution, relative to its norm; d > n, w_0 = 0"
PROOF = (
    "A batch's gradient c X_b^T (X_b w - t_b) is a combination of rows of X.",
    "w_0 = 0, so every w_t is in the row space, and so is the limit: X w* = t.",
    "There it is unique: z = w - w' is in the row space and X z = 0, so z = 0.",
    "So w* = X^T (X X^T)^-1 t, which is in the row space and solves X w = t.",
    "Others are w* + z with X z = 0: |w* + z|^2 = |w*|^2 + |z|^2 > |w*|^2.",
)  # of question 1.1.1
METHODS: dict[str, tuple[Build, bool]] = {
    "mini-batch SGD": (lambda w, eta: SGD(w, eta), False),
    "gradient descent": (lambda w, eta: SGD(w, eta), False),
    "momentum": (lambda w, eta: SGD(w, eta, momentum=0.9), False),
    "RMSProp": (lambda w, eta: RMSprop(w, eta, eps=TINY), True),
    "Adagrad": (lambda w, eta: Adagrad(w, eta, eps=TINY), True),
    "Adam": (lambda w, eta: Adam(w, eta, eps=TINY), True),
}


def demo(
    num_samples: int = 8,
    num_features: int = 40,
    batch_size: int = 2,
    steps: int = 4000,
    adaptive_lr: float = 0.05,
    seed: int = 0,
) -> Demo:
    """Runs every method on a random problem and on the handout's problem.

    Args:
        num_samples: n of the random problem; less than ``num_features``, d.
        batch_size: of mini-batch SGD.
        adaptive_lr: first learning rate of RMSProp and Adam. It falls to a millionth of this, because RMSProp does not
            converge at a constant rate. Adagrad's own steps fall, so its rate is ten times this, constant. The other
            methods use b / (2 |X|^2), the reciprocal of an upper bound of the curvature of a batch of b samples.

    Raises:
        InputError: num_samples >= num_features; a size below 1; a rate that is not positive.
    """
    problem = random_problem(num_samples, num_features, seed)
    if not 0 < adaptive_lr < math.inf:
        raise InputError(f"demo.adaptive_lr must be > 0 and finite, got {adaptive_lr}")
    if num_samples >= num_features or not 1 <= batch_size <= num_samples or steps < 1:
        raise InputError(
            "must be 1 <= batch_size <= num_samples < num_features and steps >= 1, got "
            f"num_samples={num_samples}, num_features={num_features}, batch_size={batch_size}, steps={steps}"
        )
    rows, curves = [], {}
    for where, case in ((f"random, n={num_samples}, d={num_features}", problem), ("x = [2, 1], t = 2", HANDOUT)):
        for name in METHODS:
            path = run(name, case, min(batch_size, len(case.targets)), steps, adaptive_lr, seed)
            rows.append({"problem": where, "method": name, **_measured(name, case, path[-1])})
            if case is problem:
                curves[name] = _distance(path, minimum_norm(case.inputs, case.targets))
    sentences = [*_sentences(rows), "Why SGD ends at the minimum norm:", *PROOF]
    return Demo("Minimum-norm solution", rows, sentences, distances(TITLE, "|w - w*| / |w*|", curves))


def run(name: str, problem: Problem, batch_size: int, steps: int, adaptive_lr: float, seed: int) -> Tensor:
    """The weights of a method after each step from w_0: float64 [steps + 1, d]."""
    build, adaptive = METHODS[name]
    n = len(problem.targets)
    batch_size = batch_size if name == "mini-batch SGD" else n
    w = problem.start.clone().requires_grad_()
    falls = adaptive and name != "Adagrad"
    rate = (adaptive_lr if falls else 10 * adaptive_lr) if adaptive else batch_size / n / curvature(problem.inputs)
    optimizer = build([w], rate)
    schedule = ExponentialLR(optimizer, 1e-6 ** (1 / steps)) if falls else None
    generator = torch.Generator().manual_seed(seed)
    path, inputs, targets = [problem.start], problem.inputs, problem.targets
    for _ in range(steps):
        if batch_size < n:
            index = torch.randperm(n, generator=generator)[:batch_size]
            inputs, targets = problem.inputs[index], problem.targets[index]
        w.grad = gradient(w.detach(), inputs, targets)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        path.append(w.detach().clone())
    return torch.stack(path)


def predicted(name: str, problem: Problem) -> Tensor | None:
    """The limit of a method by theory; None if theory says only that it is not the minimum-norm solution."""
    if not METHODS[name][1]:
        return minimum_norm(problem.inputs, problem.targets)
    if len(problem.targets) == 1:
        (x,), (t,) = problem.inputs, problem.targets
        return t * x.sign() / x.abs().sum()
    return None


def _distance(path: Tensor, solution: Tensor) -> Tensor:
    return torch.linalg.vector_norm(path - solution, dim=-1) / torch.linalg.vector_norm(solution)


def _measured(name: str, problem: Problem, w: Tensor) -> dict[str, Any]:
    solution, theory = minimum_norm(problem.inputs, problem.targets), predicted(name, problem)
    outside = torch.linalg.vector_norm(off_row_space(w, problem.inputs)) / torch.linalg.vector_norm(solution)
    return {
        "theorem": "minimum norm" if not METHODS[name][1] else "t sign(x) / |x|_1" if theory is not None else "another",
        "from the theorem's w": None if theory is None else float(_distance(w, theory)),
        "from the minimum norm": float(_distance(w, solution)),
        "off the row space": float(outside),
        "loss": float(loss(w, problem.inputs, problem.targets)),
        "w": " ".join(f"{value:.15g}" for value in w) if len(w) < 4 else "",
    }


def _sentences(rows: list[dict[str, Any]]) -> list[str]:
    own = [row["from the minimum norm"] for row in rows if row["theorem"] == "minimum norm"]
    other = [row["from the minimum norm"] for row in rows if row["theorem"] != "minimum norm"]
    return [
        f"Methods that stay in the row space end within {max(own):.1e} of the minimum-norm solution, relative to its "
        f"norm; the adaptive ones no nearer than {min(other):.1e}. {_fit(rows)}"
    ]


def _fit(rows: list[dict[str, Any]]) -> str:
    """A sentence on whether all methods fit the targets."""
    worst = max(rows, key=lambda row: row["loss"] if math.isfinite(row["loss"]) else math.inf)
    if worst["loss"] <= FITTED:
        return f"All of them fit the targets: the largest loss is {worst['loss']:.1e}."
    return (
        f"Not all of them fit the targets: the largest loss is {worst['loss']:.1e}, that of {worst['method']} "
        f"({worst['problem']})."
    )
