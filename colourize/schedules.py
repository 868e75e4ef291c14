"""Learning rates over a run of known length: one step of the schedule is one step of the optimizer."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR


def cosine(optimizer: Optimizer, num_steps: int) -> CosineAnnealingLR:
    """From the optimizer's rate to zero along half a cosine (Loshchilov, Hutter 2017, arXiv 1608.03983, no restart)."""
    return CosineAnnealingLR(optimizer, T_max=num_steps)


def onecycle(optimizer: Optimizer, num_steps: int, max_lr: float, warm_up: float) -> OneCycleLR:
    """Up to ``max_lr`` over the share ``warm_up`` of the steps, then down to almost zero (Smith, Topin 2019,
    arXiv 1708.07120); the momentum goes the other way."""
    return OneCycleLR(optimizer, max_lr, total_steps=num_steps, pct_start=warm_up)
