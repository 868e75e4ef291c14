"""Linear least squares: L(w) = |X w - t|^2 / n. X [n, d], t [n], w [d], float64; eta learning rate, T steps."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad

from colourize.errors import InputError


@dataclass(frozen=True)
class Problem:
    """A least-squares problem: inputs X [n, d], targets t [n], and the start w_0 [d] of the descent."""

    inputs: Tensor  # X
    targets: Tensor  # t
    start: Tensor  # w_0

    @property
    def residual(self) -> Tensor:
        """a = X w_0 - t: [n]."""
        return self.inputs @ self.start - self.targets

    @property
    def gram(self) -> Tensor:
        """X X^T: [n, n]."""
        return self.inputs @ self.inputs.T


def random_problem(num_samples: int, num_features: int, seed: int, from_zero: bool = True) -> Problem:
    """Standard normal inputs, divided by sqrt(d), targets and start.

    Raises:
        InputError: a size below 1.
    """
    if min(num_samples, num_features) < 1:
        raise InputError(f"num_samples and num_features must be >= 1, got {num_samples} and {num_features}")
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    inputs, targets = draw(num_samples, num_features) / num_features**0.5, draw(num_samples)
    return Problem(inputs, targets, torch.zeros_like(inputs[0]) if from_zero else draw(num_features))


def loss(w: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
    """|X w - t|^2 / n: [d], [n, d], [n] -> []."""
    return (inputs @ w - targets).square().sum() / len(targets)


def gradient(w: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
    """2 / n X^T (X w - t), the gradient of ``loss``: [d], [n, d], [n] -> [d]."""
    return 2 / len(targets) * (inputs.T @ (inputs @ w - targets))


def curvature(inputs: Tensor) -> float:
    """Largest eigenvalue of the Hessian 2 X^T X / n: gradient descent converges below eta = 2 / curvature."""
    return 2 / len(inputs) * float(torch.linalg.matrix_norm(inputs, 2)) ** 2


def minimum_norm(inputs: Tensor, targets: Tensor) -> Tensor:
    """The minimum-norm solution of X w = t, X^T (X X^T)^-1 t, for independent rows: [d]."""
    return inputs.T @ torch.linalg.solve(inputs @ inputs.T, targets)


def off_row_space(w: Tensor, inputs: Tensor) -> Tensor:
    """The part of w outside the row space of the inputs: [d]."""
    basis = torch.linalg.svd(inputs, full_matrices=False).Vh
    return w - basis.T @ (basis @ w)


def descended(problem: Problem, eta: Tensor, steps: int, batches: Sequence[Tensor] | None = None) -> Tensor:
    """w_T of gradient descent from w_0; each step uses the next of the ``batches`` of rows, in turn, or all rows."""
    w = problem.start
    for step in range(steps):
        rows = slice(None) if batches is None else batches[step % len(batches)]
        w = w - eta * gradient(w, problem.inputs[rows], problem.targets[rows])
    return w


def loss_after(problem: Problem, eta: Tensor, steps: int, batches: Sequence[Tensor] | None = None) -> Tensor:
    """L_T(eta), the loss on all rows after T steps."""
    return loss(descended(problem, eta, steps, batches), problem.inputs, problem.targets)


def spectrum(problem: Problem) -> tuple[Tensor, Tensor]:
    """l_i and (u_i . a)^2 / n over the eigenpairs of X X^T: [n], [n]."""
    eigenvalues, vectors = torch.linalg.eigh(problem.gram)
    return eigenvalues, (vectors.T @ problem.residual).square() / len(problem.targets)


def loss_closed_form(problem: Problem, eta: Tensor, steps: int) -> Tensor:
    """L_T(eta) of full gradient descent in closed form, elementwise over eta.

    X w_T - t = (I - 2 eta/n X X^T)^T a, so L_T = 1/n sum_i (1 - 2 eta l_i / n)^(2T) (u_i . a)^2, see ``spectrum``.
    These are even powers of linear functions of eta, so L_T is convex for every T.
    """
    n, (eigenvalues, weights) = len(problem.targets), spectrum(problem)
    return ((1 - 2 / n * eta[..., None] * eigenvalues) ** (2 * steps) * weights).sum(-1)


def hypergradient_closed_form(problem: Problem, eta: Tensor, steps: int) -> Tensor:
    """dL_T/d eta of full gradient descent; at T = 1 it is -4/n^2 (|X^T a|^2 - 2 eta/n |X X^T a|^2)."""
    n, (eigenvalues, weights) = len(problem.targets), spectrum(problem)
    inner = 1 - 2 / n * eta[..., None] * eigenvalues
    return (-4 * steps / n * eigenvalues * inner ** (2 * steps - 1) * weights).sum(-1)


def best_rate(problem: Problem) -> float:
    """The eta that minimizes L_1: n |X^T a|^2 / (2 |X X^T a|^2)."""
    a = problem.residual
    back = problem.inputs.T @ a
    return float(len(a) * back.square().sum() / (2 * (problem.inputs @ back).square().sum()))


def reverse_mode(problem: Problem, eta: float, steps: int, batches: Sequence[Tensor] | None = None) -> float:
    """dL_T/d eta by reverse-mode automatic differentiation through the T steps, which keeps w of every step."""
    rate = torch.tensor(eta, dtype=torch.float64, requires_grad=True)
    (derivative,) = torch.autograd.grad(loss_after(problem, rate, steps, batches), rate)
    return float(derivative)


def forward_mode(problem: Problem, eta: float, steps: int, batches: Sequence[Tensor] | None = None) -> float:
    """dL_T/d eta by forward-mode automatic differentiation, which keeps only w and dw/d eta."""
    with torch.no_grad(), warnings.catch_warnings(), forward_ad.dual_level():
        warnings.filterwarnings("ignore", message=".*torch.jit.script.*")  # torch's own use
        rate = forward_ad.make_dual(torch.tensor(eta, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
        return float(forward_ad.unpack_dual(loss_after(problem, rate, steps, batches)).tangent)
