"""Learning rates over a run of known length: one step of the schedule is one step of the optimizer."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, ReduceLROnPlateau


def cosine(optimizer: Optimizer, num_steps: int) -> CosineAnnealingLR:
    """Lowers the rate to zero along half a cosine (Loshchilov, Hutter 2017, arXiv 1608.03983, without restarts)."""
    return CosineAnnealingLR(optimizer, T_max=num_steps)


def onecycle(optimizer: Optimizer, num_steps: int, max_lr: float, warm_up: float) -> OneCycleLR:
    """Raises the rate to ``max_lr`` over the share ``warm_up`` of the steps, then lowers it to almost zero; the
    momentum changes inversely (Smith, Topin 2019, arXiv 1708.07120). Groups of parameters keep their rates' ratios."""
    rates = [group["lr"] for group in optimizer.param_groups]
    peaks = [max_lr * (rate / optimizer.defaults["lr"]) for rate in rates]
    return OneCycleLR(optimizer, peaks, total_steps=num_steps, pct_start=warm_up)


def warmup(optimizer: Optimizer, num_steps: int, warm_up: float) -> LinearLR:
    """Raises the rate from 1 % to 100 % over the share ``warm_up`` of the steps; then it is constant."""
    return LinearLR(optimizer, start_factor=0.01, total_iters=max(1, round(warm_up * num_steps)))


def plateau(optimizer: Optimizer, num_steps: int, factor: float, wait: int) -> ReduceLROnPlateau:
    """Multiplies the rate by ``factor`` if the validation loss has not fallen for more than ``wait`` validations."""
    return ReduceLROnPlateau(optimizer, factor=factor, patience=wait)
