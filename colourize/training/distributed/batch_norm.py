"""Batch norm over the examples of all ranks. N examples of this rank, C channels.

torch's ``SyncBatchNorm`` requires a GPU; this one also works with gloo on a CPU.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from colourize.training.distributed import collectives
from colourize.training.distributed.shares import share

NORMS = nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d


class _Sum(torch.autograd.Function):
    """The sum over the ranks. Each rank's loss depends on the sum, so its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        found = tensor.clone()
        dist.all_reduce(found)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        found = gradients[0].contiguous().clone()
        dist.all_reduce(found)
        return found


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch norm that computes mean and variance over the ranks in training; otherwise as ``nn.BatchNorm2d``.

    Args:
        norm: the layer that it replaces. It has the same tensors under the same names.
    """

    def __init__(self, norm: Any) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        self.weight, self.bias = norm.weight, norm.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(self, name, getattr(norm, name))
        self.after = [
            getattr(norm, name) for name in ("drop", "act") if hasattr(norm, name)
        ]  # of timm's BatchNormAct2d
        self.train(norm.training)

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # 1, 2 or 3 dimensions of space

    def forward(self, input: Tensor) -> Tensor:
        """[N, C, ...] -> [N, C, ...]."""
        alone = not self.training or collectives.size() == 1
        found = super().forward(input) if alone else self._over_ranks(input)
        for layer in self.after:
            found = layer(found)
        return found

    def _over_ranks(self, input: Tensor) -> Tensor:
        """Normalizes with mean and variance over all ranks: two sums, because one of squares would lose digits."""
        values = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        kept = values if share.size else values[:0]
        axes = [0, *range(2, input.ndim)]
        shape = [1, -1, *[1] * (input.ndim - 2)]
        count = torch.full((1,), kept.numel() / self.num_features, dtype=values.dtype, device=values.device)
        sums = _Sum.apply(torch.cat((kept.sum(axes), count)))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        variance = _Sum.apply((kept - mean.view(shape)).square().sum(axes)) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        found = (values - mean.view(shape)) * (variance.view(shape) + self.eps).rsqrt()
        if self.affine:
            found = found * self.weight.view(shape) + self.bias.view(shape)
        return found.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running mean and variance, the latter with Bessel's correction, as torch does."""
        if not self.track_running_stats:
            return
        count, averages = self.num_batches_tracked, (self.running_mean, self.running_var)
        assert count is not None
        count.add_(1)
        weight = 1 / float(count) if self.momentum is None else self.momentum
        for average, value in zip(averages, (mean, variance), strict=True):
            assert average is not None
            average.lerp_(value.to(average), weight)


def synced(module: nn.Module) -> None:
    """Replaces the batch norms of a module by ones over the ranks."""
    for name, child in module.named_children():
        if isinstance(child, NORMS) and not isinstance(child, SyncedBatchNorm):
            setattr(module, name, SyncedBatchNorm(child))
        else:
            synced(child)
