"""Muon: steps of orthogonalized momentum for matrices and convolutions, Adam's steps for the rest.

M rows (a weight's first dimension), N columns (its other dimensions, flattened).
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from colourize.errors import InputError
from colourize.training.optimizers import Parameters, check_values, loss_of

COEFFICIENTS = 3.4445, -4.775, 2.0315  # of Jordan: a singular value near 0 grows by the first one in each iteration


def orthogonalized(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Singular values near 1, singular vectors unchanged: [M, N] -> [M, N], float32 or better.

    Newton-Schulz iterations from X = matrix / its Frobenius norm: X <- a X + (b G + c G^2) X with G = X X^T, so each
    singular value s becomes a s + b s^3 + c s^5. Five iterations move all of [0.01, 1] into [0.68, 1.14], and
    more would not bring them nearer to 1, which costs nothing in training. The matrix 0 stays 0.
    """
    x = matrix.to(torch.promote_types(matrix.dtype, torch.float32))
    x = x.T if x.shape[0] > x.shape[1] else x  # the smaller product X X^T
    x = x / x.norm().clamp(min=1e-30)
    a, b, c = COEFFICIENTS
    for _ in range(iterations):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(AdamW):
    """Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein 2024 (kellerjordan.github.io/posts/muon).

    For a weight w of two or more dimensions, as a matrix [M, N], with gradient g and b the first of ``betas``:

        m <- b m + (1 - b) g,   w <- w - lr rms sqrt(max(M, N)) orthogonalized(b m + (1 - b) g)

    so that an update has about ``rms`` times lr as its root mean square, as Adam's has (Liu and others 2025, arXiv
    2502.16982), and one rate suits both. Biases, batch norms and other vectors get AdamW's step. A schedule that
    changes the first beta changes the momentum of both. First and last layer are not left to Adam: that is worse in
    our networks (conf/experiment/speedrun.yaml).

    Args:
        params: the weights.
        lr: the learning rate.
        betas: b, which is also Adam's; and Adam's second beta.
        eps: eps of Adam.
        weight_decay: decoupled, of all weights: w <- (1 - lr * this) w.
        rms: root mean square of a matrix's update, in units of lr.
        iterations: Newton-Schulz iterations.

    Raises:
        InputError: a value is outside its range.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        rms: float = 0.2,
        iterations: int = 5,
    ) -> None:
        check_values(lr=lr, eps=eps, betas=betas, weight_decay=weight_decay)
        if not 0 < rms < math.inf:
            raise InputError(f"optimizer.rms must be > 0 and finite, got {rms}")
        if not 1 <= iterations <= 20:
            raise InputError(f"optimizer.iterations must be in [1, 20], got {iterations}")
        first, second = map(float, betas)
        super().__init__(params, lr=lr, betas=(first, second), eps=eps, weight_decay=weight_decay, fused=True)
        self._step_supports_amp_scaling = False  # AdamW's fused step would undo a scale that a matrix's step keeps
        own = {"rms": rms, "iterations": iterations}
        self.defaults |= own
        for group in self.param_groups:
            group.update(own)

    def __setstate__(self, state: dict[str, Any]) -> None:
        Optimizer.__setstate__(self, state)  # Adam's requires a count of steps for every weight

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = loss_of(closure)
        taken = []
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.ndim > 1 and parameter.grad is not None:
                        self._move(parameter, group)
                        taken.append((parameter, parameter.grad))
        for parameter, _ in taken:
            parameter.grad = None  # AdamW leaves these alone
        try:
            super().step()
        finally:
            for parameter, gradient in taken:
                parameter.grad = gradient
        return loss

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, momentum = parameter.grad, group["betas"][0]
        assert gradient is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        update = orthogonalized(gradient.lerp(buffer, momentum).flatten(1), group["iterations"])  # Nesterov's momentum
        scale = group["lr"] * group["rms"] * math.sqrt(max(update.shape))
        if group["weight_decay"]:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(update.reshape(parameter.shape).to(parameter.dtype), alpha=scale)
