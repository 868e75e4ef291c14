"""An optimizer that tunes its own learning rate. f loss, w weights, g gradient, eta learning rate, d direction."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from colourize.errors import InputError
from colourize.training.optimizers import BETAS, Parameters, check_values, loss_of

BASES = "sgd", "adam"


class Hypergradient(Optimizer):
    """SGD or Adam with a learning rate that descends along its own gradient: SGD-HD and Adam-HD.

    Baydin, Cornish, Martinez Rubio, Schmidt, Wood 2018 (arXiv 1703.04782). A step is w_t = w_(t-1) - eta_t d_t, so
    df(w_t) / d eta_t = -g_(t+1) . d_t. Before the next step, with sums over all weights,

        eta_(t+1) = eta_t + beta g_(t+1) . d_t                              (additive; the paper's algorithms)
        eta_(t+1) = eta_t (1 + beta g_(t+1) . d_t / (|g_(t+1)| |d_t|))      (multiplicative; the paper's other rule)

    d is the gradient (SGD), the velocity (SGD with momentum), or Adam's bias-corrected direction. Decoupled weight
    decay is part of d, coupled weight decay part of g. Unlike in the paper, an additive rate is clamped at 0.

    The rate is ``param_groups[0]["lr"]``; it and d are in ``state_dict()``, so a resumed run keeps them.

    Args:
        params: the weights, in one group.
        lr: the learning rate of the first step.
        hyper_lr: beta >= 0, below 1 if ``multiplicative``.
        base: "sgd" or "adam".
        multiplicative: use the second rule instead of the first.
        momentum: heavy-ball momentum of SGD (Polyak): v <- momentum v + g and d = v. The paper's SGDN-HD uses
            Nesterov's momentum, with d = g + momentum v.
        betas: betas of Adam.
        eps: eps of Adam.
        weight_decay: lambda. Coupled: g <- g + lambda w, an L2 penalty; decoupled: w <- w - eta lambda w.
        decoupled: use decoupled weight decay instead of coupled.

    Raises:
        InputError: a value is outside its range, or the base does not use it.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.001,
        hyper_lr: float = 1e-7,
        base: str = "adam",
        multiplicative: bool = False,
        momentum: float = 0.0,
        betas: tuple[float, float] = BETAS,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = False,
    ) -> None:
        if base not in BASES:
            raise InputError(f"optimizer.base must be one of {', '.join(BASES)}, got {base}")
        if not 0 <= hyper_lr < (1 if multiplicative else math.inf):
            rule = "in [0, 1) with multiplicative=true" if multiplicative else ">= 0 and finite"
            raise InputError(f"optimizer.hyper_lr must be {rule}, got {hyper_lr}")
        check_values(lr=lr, eps=eps, betas=betas, momentum=momentum, weight_decay=weight_decay)
        if base == "adam" and momentum:
            raise InputError(f"optimizer.momentum must be 0 with base=adam, which has betas instead, got {momentum}")
        if base == "sgd" and tuple(betas) != BETAS:
            raise InputError(
                f"optimizer.betas must be left out with base=sgd, which has momentum instead, got {list(betas)}"
            )
        self.base, self.multiplicative, self.decoupled = base, multiplicative, decoupled
        defaults = {"lr": lr, "hyper_lr": hyper_lr, "momentum": momentum, "betas": tuple(betas), "eps": eps,
                    "weight_decay": weight_decay}  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) > 1:
            raise InputError(
                f"a hypergradient has one learning rate: params must be one group, got {len(self.param_groups)}"
            )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = loss_of(closure)
        (group,) = self.param_groups
        moved = [parameter for parameter in group["params"] if parameter.grad is not None]
        gradients = [self._gradient(parameter, group) for parameter in moved]
        directions = [self.state[parameter].get("direction") for parameter in moved]
        group["lr"] = self._rate(group, gradients, directions)
        for parameter, gradient in zip(moved, gradients, strict=True):
            direction = self._direction(parameter, gradient, group)
            parameter.sub_(group["lr"] * direction)
            self.state[parameter]["direction"] = direction
        return loss

    def _gradient(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        assert parameter.grad is not None
        if group["weight_decay"] and not self.decoupled:
            return parameter.grad + group["weight_decay"] * parameter
        return parameter.grad

    def _rate(self, group: dict[str, Any], gradients: list[Tensor], directions: list[Tensor | None]) -> float:
        rate: float = group["lr"]
        pairs = [(g, d) for g, d in zip(gradients, directions, strict=True) if d is not None]
        if not pairs:
            return rate
        follows = sum(torch.sum(g * d) for g, d in pairs)
        if not self.multiplicative:
            return max(0.0, rate + group["hyper_lr"] * float(follows))
        lengths = [torch.stack([torch.sum(x * x) for x in side]).sum().sqrt() for side in zip(*pairs, strict=True)]
        length = float(lengths[0] * lengths[1])
        return rate * (1 + group["hyper_lr"] * float(follows) / length) if length > 0 else rate

    def _direction(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        adam = self.base == "adam"
        direction = self._adam(state, gradient, group) if adam else self._heavy_ball(state, gradient, group)
        return direction + group["weight_decay"] * parameter if self.decoupled else direction

    @staticmethod
    def _heavy_ball(state: dict[str, Any], gradient: Tensor, group: dict[str, Any]) -> Tensor:
        if not group["momentum"]:
            return gradient.clone()
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(gradient)
        state["velocity"].mul_(group["momentum"]).add_(gradient)
        return state["velocity"].clone()

    @staticmethod
    def _adam(state: dict[str, Any], gradient: Tensor, group: dict[str, Any]) -> Tensor:
        """m / (1 - b1^t) over sqrt(v / (1 - b2^t)) + eps (Kingma, Ba 2015, algorithm 1)."""
        if "mean" not in state:
            state |= {"steps": 0, "mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient)}
        state["steps"] += 1
        first, second = group["betas"]
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (state["square"] / (1 - second ** state["steps"])).sqrt_().add_(group["eps"])
        return state["mean"] / (1 - first ** state["steps"]) / scale
