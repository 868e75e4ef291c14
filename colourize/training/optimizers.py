"""Optimizers with decoupled weight decay that torch lacks, and checks of an optimizer's values."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer, RMSprop

from colourize.errors import InputError

Parameters = Iterable[Tensor]
BETAS = 0.9, 0.999  # Adam's defaults


def check_values(
    *,
    lr: float,
    weight_decay: float,
    eps: float = 1e-8,
    betas: Sequence[float] = BETAS,
    momentum: float = 0.0,
    alpha: float = 0.0,
) -> None:
    """Raises InputError for the first value outside its range."""
    for name, value in (("lr", lr), ("eps", eps)):
        if not 0 < value < math.inf:
            raise InputError(f"optimizer.{name} must be > 0 and finite, got {value}")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise InputError(f"optimizer.betas must be two numbers in [0, 1), got {list(betas)}")
    for name, value in (("momentum", momentum), ("alpha", alpha)):
        if not 0 <= value < 1:
            raise InputError(f"optimizer.{name} must be in [0, 1), got {value}")
    if not 0 <= weight_decay < math.inf:
        raise InputError(f"optimizer.weight_decay must be >= 0 and finite, got {weight_decay}")


def loss_of(closure: Callable[[], Any] | None) -> Any:
    """The loss that a step's closure computes together with its gradients; None without a closure."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


class _Decoupled(Optimizer):
    """Decoupled weight decay: w <- (1 - lr * decay) w before each step.

    Loshchilov, Hutter 2019 (arXiv 1711.05101), with the decay multiplied by lr, as in torch's AdamW. Must precede
    torch's optimizer in the base classes: this then steps from the decayed weights, with the gradient at the weights
    before the decay.

    Args:
        params: the weights.
        decay: the weight decay.
        settings: settings of torch's optimizer.
    """

    def __init__(self, params: Parameters, decay: float, **settings: Any) -> None:
        super().__init__(params, **settings)
        self.defaults["decay"] = decay
        for group in self.param_groups:
            group["decay"] = decay

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = loss_of(closure)
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.mul_(1 - group["lr"] * group["decay"])
        super().step()
        return loss


class SGDW(_Decoupled, SGD):
    """torch's SGD with decoupled weight decay."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.001,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.01,
    ) -> None:
        check_values(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise InputError(
                f"optimizer.momentum must be > 0 with nesterov=true, got {momentum}; pass 0.9, for example"
            )
        super().__init__(params, weight_decay, lr=lr, momentum=momentum, nesterov=nesterov)


class RMSpropW(_Decoupled, RMSprop):
    """torch's RMSprop with decoupled weight decay."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.001,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.01,
    ) -> None:
        check_values(lr=lr, eps=eps, alpha=alpha, momentum=momentum, weight_decay=weight_decay)
        super().__init__(params, weight_decay, lr=lr, alpha=alpha, eps=eps, momentum=momentum)
