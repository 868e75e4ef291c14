"""Optimizers that torch lacks. f loss, w weights, g gradient, eta learning rate."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer, RMSprop

from colourize.errors import InputError

Parameters = Iterable[Tensor]
BASES = "sgd", "adam"
BETAS = 0.9, 0.999  # Adam's, by default


def _check(
    *,
    lr: float,
    weight_decay: float,
    eps: float = 1e-8,
    betas: Sequence[float] = BETAS,
    momentum: float = 0.0,
    alpha: float = 0.0,
) -> None:
    """Raises InputError at the first value that no optimizer can work with."""
    if not 0 < lr < math.inf:
        raise InputError(f"optimizer.lr={lr} is no learning rate; pass a positive number such as 0.001")
    if not 0 < eps < math.inf:
        raise InputError(f"optimizer.eps={eps}: pass a positive number such as 1e-8")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise InputError(f"optimizer.betas={list(betas)}: pass two numbers in [0, 1), such as [0.9, 0.999]")
    for name, share in (("momentum", momentum), ("alpha", alpha)):
        if not 0 <= share < 1:
            raise InputError(f"optimizer.{name}={share}: pass a number in [0, 1)")
    if not 0 <= weight_decay < math.inf:
        raise InputError(f"optimizer.weight_decay={weight_decay}: pass 0 or more")


class Hypergradient(Optimizer):
    """SGD or Adam whose learning rate descends along its own gradient: SGD-HD and Adam-HD (Baydin, Cornish, Martinez
    Rubio, Schmidt, Wood 2018, arXiv 1703.04782).

    A step is w_t = w_(t-1) - eta_t d_t, so df(w_t) / d eta_t = -g_(t+1) . d_t: the next gradient says how the rate
    should have been. Before the next step, summed over all weights,

        eta_(t+1) = eta_t + beta g_(t+1) . d_t                              (additive; the paper's algorithms)
        eta_(t+1) = eta_t (1 + beta g_(t+1) . d_t / (|g_(t+1)| |d_t|))      (multiplicative; the paper's other rule)

    d is the gradient (SGD), with momentum its velocity, or Adam's bias-corrected direction; with decoupled weight decay
    the decay is part of d, with coupled of g. One difference to the paper: an additive rate stops at 0 instead of
    turning negative.

    The rate is ``param_groups[0]["lr"]``; it and d are in ``state_dict()``, so a resumed run keeps them.

    Args:
        lr: the rate of the first step.
        hyper_lr: beta.
        base: "sgd" or "adam".
        multiplicative: which of the two rules.
        momentum: of SGD, heavy ball (Polyak): v <- momentum v + g and d = v, where Nesterov's, which the paper's
            SGDN-HD takes, has d = g + momentum v.
        betas: of Adam.
        weight_decay: coupled: times w added to the gradient, an L2 penalty; decoupled: w shrinks by eta times it.
        decoupled: which of the two.

    Raises:
        InputError: another base, a negative ``hyper_lr``, or one of 1 or more with ``multiplicative``; a momentum
            or betas that the base has no use for; what ``_check`` refuses.
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
            raise InputError(f"optimizer.base={base} is unknown; pass one of {', '.join(BASES)}")
        if not 0 <= hyper_lr < (1 if multiplicative else math.inf):
            raise InputError(f"optimizer.hyper_lr={hyper_lr}: pass 0 or more, and below 1 with multiplicative=true")
        _check(lr=lr, eps=eps, betas=betas, momentum=momentum, weight_decay=weight_decay)
        if base == "adam" and momentum:
            raise InputError(f"optimizer.momentum={momentum} is of base=sgd; Adam has betas, so leave it out")
        if base == "sgd" and tuple(betas) != BETAS:
            raise InputError(f"optimizer.betas={list(betas)} are of base=adam; SGD has momentum, so leave them out")
        self.base, self.multiplicative, self.decoupled = base, multiplicative, decoupled
        defaults = {"lr": lr, "hyper_lr": hyper_lr, "momentum": momentum, "betas": tuple(betas), "eps": eps,
                    "weight_decay": weight_decay}  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) > 1:
            raise InputError("a hypergradient is of one learning rate; pass one group of parameters")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
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


class _Decoupled(Optimizer):
    """Weight decay beside the step instead of in the gradient (Loshchilov, Hutter 2019, arXiv 1711.05101): before each
    step w <- (1 - eta decay) w. As in torch's AdamW the decay of a step is eta times the one that is given.

    To be named before torch's optimizer, whose step starts at the weights that shrank, with the gradient from before.
    """

    def _take(self, decay: float) -> None:
        self.defaults["decay"] = decay
        for group in self.param_groups:
            group["decay"] = decay

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
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
        _check(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise InputError(f"optimizer.nesterov=true with momentum={momentum}: pass a momentum such as 0.9, or false")
        super().__init__(params, lr, momentum, nesterov=nesterov)
        self._take(weight_decay)


class RMSpropW(_Decoupled, RMSprop):
    """torch's RMSprop with decoupled weight decay."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.01,
    ) -> None:
        _check(lr=lr, eps=eps, alpha=alpha, momentum=momentum, weight_decay=weight_decay)
        super().__init__(params, lr, alpha, eps, momentum=momentum)
        self._take(weight_decay)
