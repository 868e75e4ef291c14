"""``one_pass=true`` during training on a CPU: batch norms with their ReLU in one pass (``colourize.kernels``)."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.kernels import rows
from colourize.kernels.neighbours import is_own, neighbours

SHIFTED = nn.MaxPool2d, nn.Upsample  # a constant added before them is the same one after them


class FusedNorm(nn.BatchNorm2d):
    """Batch norm, then ReLU where ``relu``; where the kernels do not suit, by torch."""

    relu: bool

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        if not self._suits(x):
            y = super().forward(x)
            return F.relu(y, inplace=True) if self.relu else y
        mean, variance, momentum = self.running_mean, self.running_var, self.momentum
        assert mean is not None and variance is not None and momentum is not None
        count = x.numel() // self.num_features
        y, own_mean, own_variance = rows.normalized(x, self.weight, self.bias, self.eps, self.relu)
        with torch.no_grad():
            mean.lerp_(own_mean, momentum)
            variance.lerp_(own_variance * (count / (count - 1)), momentum)  # the unbiased one, as torch keeps it
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        return y

    def _suits(self, x: Tensor) -> bool:
        """Whether the kernels compute the same as torch; they get addresses only, so the shapes are checked here."""
        parts = self.weight, self.bias, self.running_mean, self.running_var
        return (
            self.training
            and self.momentum is not None
            and all(each is not None and rows.is_vector(each, self.num_features) for each in parts)
            and rows.suits(x)
            and x.shape[1] == self.num_features < x.numel()
        )


@contextlib.contextmanager
def norms(network: nn.Module, wanted: bool = True) -> Iterator[None]:
    """Lets the batch norms of a network use the kernels, if ``wanted``. Weights, buffers and names stay.

    In our own networks a norm takes over the ReLU after it, and the convolution before it leaves out the gradient of
    its bias, which is 0. A user's own network may use its layers in other ways, so there only the norms are changed.
    """
    own = wanted and is_own(network)
    before = {norm: layer for _, layer, _, norm in (neighbours(network, _in_order, SHIFTED) if own else ())}
    after = {norm: layer for _, norm, _, layer in (neighbours(network, _in_order) if own else ())}
    changed: list[tuple[nn.Module, type]] = []
    layers: list[Any] = []
    try:
        for norm in list(network.modules()) if wanted else ():
            if type(norm) is not nn.BatchNorm2d or getattr(norm, "weight", None) is None:
                continue
            changed.append((norm, nn.BatchNorm2d))
            norm.__class__ = FusedNorm
            relu: Any = after.get(norm)
            norm.relu = type(relu) is nn.ReLU  # type: ignore[assignment]
            if norm.relu:
                changed.append((relu, nn.ReLU))
                relu.__class__ = nn.Identity
            layer: Any = before.get(norm)
            if getattr(layer, "norm", None) == ():  # of ``colourize.models.blocks``
                layers.append(layer)
                layer.norm = (norm,)
        yield
    finally:
        for module, kind in changed:
            module.__class__ = kind
        for layer in layers:
            layer.norm = ()


def _in_order(block: nn.Module) -> bool:
    return isinstance(block, nn.Sequential)
