"""Batch norm with ReLU, and cross-entropy, in one pass over channels-last memory.

N pictures, C channels, K colours, H height, W width. Values are float32 or bfloat16; sums are made in single precision
over 128 values and in double precision beyond, in an order that only the number of threads determines.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from colourize.kernels import build
from colourize.kernels.build import Kernels

KERNELS = Kernels(("rows.c", "rows.inc"), "torch's own are used, as with one_pass=false", ("-fopenmp",))
NAMES = {torch.float32: "f32", torch.bfloat16: "bf16"}
INT, FLOAT = ctypes.c_int64, ctypes.c_float


def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None. torch is imported before, so they use the threads of its OpenMP."""
    return build.library(KERNELS)


def threads() -> int:
    """The number of threads of torch, which the kernels use, too."""
    return torch.get_num_threads()


def suits(x: Tensor) -> bool:
    """Whether the kernels take a tensor: [N, C, H, W] on a CPU in channels-last memory, float32 or bfloat16."""
    return (
        x.is_cpu
        and x.dtype in NAMES
        and x.ndim == 4
        and x.numel() > 0
        and x.is_contiguous(memory_format=torch.channels_last)
        and not torch.compiler.is_compiling()
        and library() is not None
    )


def is_vector(x: Tensor, count: int) -> bool:
    """Whether a tensor is float32 [count] in adjacent memory of a CPU."""
    return x.is_cpu and x.dtype == torch.float32 and x.shape == (count,) and x.is_contiguous()


def normalized(x: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm with the statistics of the batch, then ReLU if ``relu`` (Ioffe and Szegedy 2015).

    Args:
        x: [N, C, H, W] that ``suits``.
        weight: float32 [C] that ``is_vector``.
        bias: as the weight.
        eps: added to the variance.
        relu: whether negative values become 0.

    Returns:
        [N, C, H, W] of x's type; mean and variance (over N, H and W, not the unbiased one), float32 [C].
    """
    y, mean, variance, _ = _Norm.apply(x, weight, bias, eps, relu)
    return y, mean, variance


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of -log softmax(logits)[label] over pixels, and the share of pixels whose label has the highest logit.

    Ties count as correct. The gradient is made in the same pass.

    Args:
        logits: [N, K, H, W] that ``suits``.
        labels: int64 [N, H, W].

    Returns:
        float32 [] in nats, float32 [] in [0, 1].

    Raises:
        IndexError: a label is not in [0, K).
    """
    return _CrossEntropy.apply(logits, labels)


def evaluated(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """``cross_entropy`` without a gradient, and the share of pixels whose label is the arg-max.

    Of equal logits the first is the arg-max.

    Args:
        logits: [N, K, H, W] that ``suits``.
        labels: int64 [N, H, W].

    Returns:
        float32 [] in nats, float32 [] in [0, 1].

    Raises:
        IndexError: a label is not in [0, K).
    """
    return _losses(logits, labels, None)


def finite(tensors: Sequence[Tensor]) -> bool:
    """Whether all values of tensors that are ``in_one_piece`` are finite."""
    places = (ctypes.c_void_p * len(tensors))(*(each.data_ptr() for each in tensors))
    counts = (INT * len(tensors))(*(each.numel() for each in tensors))
    return bool(_kernel("finite", torch.float32)(places, counts, INT(len(tensors)), threads()))


def in_one_piece(x: Tensor) -> bool:
    """Whether a tensor is float32 on a CPU, and its values, in any order, are its whole memory."""
    plain = x.layout == torch.strided and x.is_cpu and x.dtype == torch.float32
    return plain and bool(x.storage_offset() == 0 and x.untyped_storage().nbytes() == 4 * x.numel())


def _losses(logits: Tensor, labels: Tensor, gradient: Tensor | None) -> tuple[Tensor, Tensor]:
    loss, share = torch.empty((), dtype=torch.float32), torch.empty((), dtype=torch.float32)
    given = logits, labels.contiguous(), *_size(logits), gradient, loss, share
    if _call("cross_entropy", logits.dtype, *given, room=3):
        raise IndexError(f"labels must be in [0, {logits.shape[1]})")
    return loss, share


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool) -> tuple[Tensor, ...]:
        y = torch.empty_like(x, memory_format=torch.channels_last)
        mean, variance, inverse = x.new_empty((3, x.shape[1]), dtype=torch.float32)
        _call(
            "norm_forward", x.dtype, x, *_size(x), weight, bias, FLOAT(eps), mean, variance, inverse, y, int(relu),
            room=2 * x.shape[1],
        )  # fmt: skip
        ctx.save_for_backward(x, weight, bias, mean, inverse)
        ctx.relu = relu
        ctx.mark_non_differentiable(mean, variance, inverse)
        ctx.set_materialize_grads(False)
        return y, mean, variance, inverse

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None, *others: None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, None, None
        x, weight, bias, mean, inverse = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        by_x = torch.empty_like(x, memory_format=torch.channels_last)
        by_weight, by_bias = torch.empty_like(weight), torch.empty_like(bias)
        _call(
            "norm_backward", x.dtype, x, gradient, *_size(x), weight, bias, mean, inverse, by_x, by_weight, by_bias,
            int(ctx.relu), room=2 * x.shape[1],
        )  # fmt: skip
        return by_x, by_weight, by_bias, None, None


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        gradient = torch.empty_like(logits, memory_format=torch.channels_last)
        loss, share = _losses(logits, labels, gradient)
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(share)
        ctx.set_materialize_grads(False)
        return loss, share

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_loss: Tensor | None, _: None) -> tuple[Tensor | None, None]:
        (gradient,) = ctx.saved_tensors
        if by_loss is None:
            return None, None
        return (gradient if by_loss == 1 else gradient * by_loss.to(gradient.dtype)), None


def _size(x: Tensor) -> tuple[ctypes.c_int64, ctypes.c_int64]:
    return INT(x.numel() // x.shape[1]), INT(x.shape[1])


def _kernel(name: str, dtype: torch.dtype) -> Callable[..., int]:
    return getattr(library(), f"{name}_{NAMES[dtype]}")


def _call(name: str, dtype: torch.dtype, *given: Any, room: int) -> int:
    """Calls a kernel on tensors and numbers; ``room``: doubles of each thread."""
    count = threads()
    work = torch.empty(count * room, dtype=torch.float64)
    values = [ctypes.c_void_p(each.data_ptr()) if isinstance(each, Tensor) else each for each in given]
    status = _kernel(name, dtype)(*values, count, ctypes.c_void_p(work.data_ptr()))
    if status == 1:
        raise MemoryError
    return status
