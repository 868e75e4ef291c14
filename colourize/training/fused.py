"""``one_pass=true``: batch norms with their ReLU in one pass on a CPU (``colourize.kernels``), during training."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.kernels import rows
from colourize.kernels.neighbours import is_own, neighbours


class FusedNorm(nn.BatchNorm2d):
    """Batch norm, then ReLU where ``relu``; where the kernels do not suit, by torch."""

    relu: bool

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        mean, variance, momentum = self.running_mean, self.running_var, self.momentum
        count = x.numel() // self.num_features
        if not self.training or mean is None or variance is None or momentum is None or count < 2 or not rows.suits(x):
            y = super().forward(x)
            return F.relu(y, inplace=True) if self.relu else y
        y, own_mean, own_variance = rows.normalized(x, self.weight, self.bias, self.eps, self.relu)
        with torch.no_grad():
            mean.lerp_(own_mean, momentum)
            variance.lerp_(own_variance * (count / (count - 1)), momentum)  # the unbiased one, as torch keeps it
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        return y


@contextlib.contextmanager
def norms(network: nn.Module, wanted: bool = True) -> Iterator[None]:
    """Lets the batch norms of a network use the kernels, if ``wanted``. Weights, buffers and names stay.

    In our own networks a norm takes over the ReLU after it. A network of one's own may use a norm's output in other
    ways, so there only the norms are changed.
    """
    followed = {
        id(norm): relu
        for _, norm, _, relu in (neighbours(network, _in_order) if is_own(network) else ())
        if type(norm) is nn.BatchNorm2d and type(relu) is nn.ReLU
    }
    changed: list[tuple[nn.Module, type]] = []
    try:
        for norm in list(network.modules()) if wanted else ():
            weight = getattr(norm, "weight", None)  # None: without weights
            if type(norm) is not nn.BatchNorm2d or weight is None or weight.dtype != torch.float32:
                continue
            changed.append((norm, nn.BatchNorm2d))
            norm.__class__ = FusedNorm
            relu: Any = followed.get(id(norm))
            norm.relu = relu is not None  # type: ignore[assignment]
            if relu is not None:
                changed.append((relu, nn.ReLU))
                relu.__class__ = nn.Identity
        yield
    finally:
        for module, kind in changed:
            module.__class__ = kind


def _in_order(block: nn.Module) -> bool:
    return type(block) is nn.Sequential
