"""Building blocks of the networks. N images, C and D channels, H height, W width.

Every block ends with BatchNorm2d and ReLU. The paddings (``models.padding``) keep each block's output at exactly H/2, H
or 2H for every kernel and dilation >= 1 (CSC413 2023, assignment 2, question 5.4). The course's ``kernel // 2`` is
exact only for odd kernels without dilation.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colourize.models import padding


class Conv2d(nn.Conv2d):
    """torch's convolution, which can leave out the gradient of its bias where that is 0.

    A batch norm subtracts the mean of each channel, and so the bias of the convolution before it: in training the
    gradient is 0, but for rounding. To compute it takes a sum over the whole output, up to 5 % of a step on a CPU.

    Attributes:
        norm: the batch norm that gets the output, in a tuple, since it is not part of this layer; empty: another
            layer, or the gradient is to be computed.
    """

    norm: tuple[nn.Module, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, D, H', W']."""
        return self._convolved(x, self.stride)

    def _convolved(self, x: Tensor, stride: tuple[int, ...]) -> Tensor:
        shape = stride, self.padding, self.dilation, self.groups
        if self.bias is None or not is_subtracted(self.norm):
            return F.conv2d(x, self.weight, self.bias, *shape)  # type: ignore[arg-type]
        return _BiasGradient.apply(F.conv2d(x, self.weight, self.bias.detach(), *shape), self.bias, True)  # type: ignore[arg-type]


class SameConv2d(Conv2d):
    """A convolution of stride 1 that keeps the size; where the padding is odd, the extra zero goes at the end.

    torch's ``padding="same"`` pads in the same way, but warns for even kernels.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> None:
        before, after = padding.around(kernel, dilation)
        even = before == after
        super().__init__(in_channels, out_channels, kernel, padding=before if even else 0, dilation=dilation)
        self.excess = (0, 0) if even else (before, after)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, D, H, W]."""
        return super().forward(self._padded(x))

    def of_both(self, x: Tensor, other: Tensor) -> Tensor:
        """The result for the channels of both, up to rounding: [N, C, H, W], [N, E, H, W] -> [N, D, H, W].

        In training on a CPU, the sum of two convolutions: nothing is concatenated, and no gradient of ``other`` is
        computed where it needs none, as the UNet's input. With AVX2 the gradients of 25 channels take 1.4 times as long
        as those of 24 (19.2 and 13.9 ms with 100 pictures of 32 pixels, 24 outputs; oneDNN 3.13). In half precision
        such a sum would be rounded twice. Hooks of this layer see only the other road, of one convolution.
        """
        apart = self.training and x.is_cpu and x.dtype in (torch.float32, torch.float64)
        if not apart or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
            return self(joined(x, other))
        own, others = self.weight.split((x.shape[1], other.shape[1]), dim=1)
        shape = self.stride, self.padding, self.dilation, self.groups
        first = F.conv2d(self._padded(x), own, self.bias, *shape)  # type: ignore[arg-type]
        return first + F.conv2d(self._padded(other.type_as(x)), others, None, *shape)  # type: ignore[arg-type]

    def _padded(self, x: Tensor) -> Tensor:
        return F.pad(x, self.excess * 2) if any(self.excess) else x


class HalvingConv2d(Conv2d):
    """A convolution of stride 2: H -> H/2.

    A kernel of 1 skips every second pixel. These pixels are dropped before the convolution, because of a fault in
    oneDNN: with stride 2 and fewer than 8 input channels (16 with AVX-512), the gradient of the weights writes past its
    workspace and the process crashes (uxlfoundation/oneDNN, issue 6035; present in 3.13.3, in torch 2.15.0).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> None:
        rule = padding.down(kernel, 2, dilation)
        super().__init__(in_channels, out_channels, kernel, stride=2, padding=rule.padding, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, D, H/2, W/2]."""
        if self.kernel_size == (1, 1):
            return self._convolved(x[..., ::2, ::2], (1, 1))
        return super().forward(x)


class DoublingConv2d(nn.ConvTranspose2d):
    """A transposed convolution of stride 2: H -> 2H. The class sums the gradient of its bias itself.

    On a CPU torch's own kernel takes 2 to 5 ms for this sum; ``sum`` takes 0.3 ms (2.15.0, 10 MB). The output is a
    view, so the next layer must not work in place. With a kernel of 1 the convolution runs on the small picture and the
    pixels are spread afterwards, because its gradient meets the fault described in ``HalvingConv2d``.

    Attributes:
        norm: as for ``Conv2d``.
    """

    norm: tuple[nn.Module, ...] = ()

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> None:
        rule = padding.up(kernel, 2, dilation)
        super().__init__(
            in_channels, out_channels, kernel, stride=2, padding=rule.padding, output_padding=rule.output_padding,
            dilation=dilation,
        )  # fmt: skip

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """[N, C, H, W] -> [N, D, 2H, 2W]."""
        if self.kernel_size == (1, 1) and output_size is None:
            small = F.conv2d(x, self.weight.transpose(0, 1))
            spread = F.pad(small[..., :, None, :, None], (0, 1, 0, 0, 0, 1)).flatten(2, 3).flatten(3)
            return spread if self.bias is None else spread + self.bias[:, None, None].to(spread.dtype)
        plain = not (x.is_cpu and torch.is_grad_enabled()) or torch.compiler.is_compiling()
        if plain or self.bias is None or output_size is not None:
            return super().forward(x, output_size)
        assert isinstance(self.padding, tuple)
        shape = self.stride, self.padding, self.output_padding, self.groups, self.dilation
        y = F.conv_transpose2d(x, self.weight, self.bias.detach(), *shape)
        return _BiasGradient.apply(y, self.bias, is_subtracted(self.norm))


def is_subtracted(norm: tuple[nn.Module, ...]) -> bool:
    """Whether a batch norm subtracts the mean of its input, which it does in training."""
    return bool(norm) and norm[0].training and torch.is_grad_enabled() and not torch.compiler.is_compiling()


class _BiasGradient(torch.autograd.Function):
    """Identity on [N, C, H, W] that also gives the gradient of a bias [C] added earlier, 0 where ``is_zero``.

    Not with ``setup_context``, for which torch inspects the signature in each call.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor, is_zero: bool) -> Tensor:
        ctx.dtype, ctx.is_zero = bias.dtype, is_zero
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        if ctx.is_zero:
            return gradient, gradient.new_zeros(gradient.shape[1], dtype=ctx.dtype), None
        return gradient, gradient.sum((0, 2, 3), dtype=ctx.dtype), None


def conv(in_channels: int, out_channels: int, kernel: int, *resize: nn.Module) -> nn.Sequential:
    """Convolution, the layers ``resize``, BatchNorm, ReLU: [N, C, H, W] -> [N, D, H', W']; ``resize`` sets H', W'."""
    layers = SameConv2d(in_channels, out_channels, kernel), *resize, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
    return nn.Sequential(*layers)


def halving_conv(in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Convolution of stride 2, BatchNorm, ReLU: [N, C, H, W] -> [N, D, H/2, W/2]."""
    layer = HalvingConv2d(in_channels, out_channels, kernel, dilation)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def doubling_conv(in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Transposed convolution of stride 2, BatchNorm, ReLU: [N, C, H, W] -> [N, D, 2H, 2W]."""
    layer = DoublingConv2d(in_channels, out_channels, kernel, dilation)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def joined(x: Tensor, other: Tensor) -> Tensor:
    """Concatenated channels: [N, C, H, W], [N, D, H, W] -> [N, C + D, H, W], of the type and memory order of ``x``.

    ``other`` should be small, since it is copied. The strides of a single channel fit both memory orders, and in that
    case ``cat`` picks the slower one. The next convolution would then copy its input and its gradient, which takes 9 %
    of a UNet's step. With ``other`` in single precision ``cat`` would convert a bfloat16 ``x``, and the next
    convolution convert all of it back, to the same values.
    """
    return torch.cat((x, other.type_as(x).clone(memory_format=torch.channels_last)), dim=1)


def padded(x: Tensor, multiple: int, least: int = 0) -> Tensor:
    """Repeats the last row and column until both sides are multiples: [N, C, H, W] -> [N, C, H', W'].

    Args:
        multiple: the number that divides H' and W'.
        least: smallest H' and W', in pixels; itself a multiple.
    """
    right, below = (max(least - side, -side % multiple) for side in (x.shape[-1], x.shape[-2]))
    return (
        F.pad(x, (0, right, 0, below), mode="replicate") if right or below else x
    )  # F.pad copies even without padding
