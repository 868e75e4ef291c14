"""Padding rules: with which paddings a (transposed) convolution divides or multiplies a side exactly.

k kernel, s stride, d dilation, p padding, q output padding, e = d (k - 1) the window's extent less one pixel. torch's
shapes (Dumoulin, Visin 2016, arXiv 1603.07285, relationships 6 and 14, with dilation 15):

    convolution             H -> floor((H + 2p - e - 1) / s) + 1
    transposed convolution  H -> (H - 1) s - 2p + e + 1 + q,  0 <= q < max(s, d)
"""

from dataclasses import dataclass

from colourize.errors import InputError


@dataclass(frozen=True)
class Padding:
    """A padding and what it makes of a side; ``exact`` where that is the side asked for.

    ``size`` and ``produced`` are one input side and its output; a rule that was asked for every size holds for every
    multiple of the factor.
    """

    padding: int
    output_padding: int
    size: int
    produced: int
    wanted: int
    every_size: bool

    @property
    def exact(self) -> bool:
        return self.produced == self.wanted


def convolved(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Output side of a convolution."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def transposed(size: int, kernel: int, stride: int, dilation: int, padding: int, output_padding: int) -> int:
    """Output side of a transposed convolution."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + output_padding


def down(
    kernel: int, stride: int = 2, dilation: int = 1, factor: int | None = None, size: int | None = None
) -> Padding:
    """The least padding with which a convolution gives H / factor, or the nearest to it.

    With ``factor`` = ``stride``, the default, it is ceil((e + 1 - s) / 2) or 0, whatever H: a window's centre then
    lies on that of the s pixels it stands for, or half a pixel beside it. It exists but for stride 1 and odd e, where
    the padding must differ between the sides (``models.blocks.SameConv2d``).

    Args:
        factor: what the side is divided by; where it is not the stride, one ``size`` must be named.
        size: H, a multiple of the factor.

    Raises:
        InputError: a value below 1; no size where the factor is not the stride; a size that is no multiple.
    """
    factor, size, every_size = _checked("down", kernel, stride, dilation, factor, size)
    extent, wanted = dilation * (kernel - 1), size // factor
    least = max(0, -((size - extent - 1 - stride * (wanted - 1)) // 2))  # 2p >= s (wanted - 1) + e + 1 - H
    candidates = [p for p in (least, least - 1) if p >= 0 and size + 2 * p > extent]
    made = [Padding(p, 0, size, convolved(size, kernel, stride, dilation, p), wanted, every_size) for p in candidates]
    return min(made, key=lambda found: abs(found.produced - wanted))


def up(kernel: int, stride: int = 2, dilation: int = 1, factor: int | None = None, size: int | None = None) -> Padding:
    """The padding with the least output padding with which a transposed convolution gives factor * H, or the nearest.

    With ``factor`` = ``stride`` the padding is that of ``down``, whose adjoint it is, and q = 2p - (e + 1 - s); it
    exists but for stride 1, dilation 1 and even kernels.

    Args:
        factor: what the side is multiplied by; where it is not the stride, one ``size`` must be named.
        size: H.

    Raises:
        InputError: as ``down``.
    """
    factor, size, every_size = _checked("up", kernel, stride, dilation, factor, size)
    wanted, most = size * factor, max(stride, dilation) - 1
    excess = transposed(size, kernel, stride, dilation, 0, 0) - wanted  # = 2p - q
    least = max(0, -(-excess // 2))
    candidates = [(least, min(most, max(0, 2 * least - excess))), (max(0, least - 1), 0)]
    made = [
        Padding(p, q, size, transposed(size, kernel, stride, dilation, p, q), wanted, every_size) for p, q in candidates
    ]
    return min(made, key=lambda found: abs(found.produced - wanted))


def around(kernel: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after with which a convolution of stride 1 keeps the side: floor(e / 2), ceil(e / 2)."""
    extent = dilation * (kernel - 1)
    return extent // 2, extent - extent // 2


def _checked(
    name: str, kernel: int, stride: int, dilation: int, factor: int | None, size: int | None
) -> tuple[int, int, bool]:
    """Factor and size, the least one that shows the rule where it holds for every size."""
    for key, value in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise InputError(f"{key}={value} is too small; pass {key}=1 or more")
    factor = stride if factor is None else factor
    if factor < 1 or (size is not None and size < 1):
        raise InputError(f"factor={factor}, size={size}: pass 1 or more")
    if size is None and factor != stride:
        raise InputError(
            f"stride={stride} gives no factor {factor} at every size; pass stride={factor}, or one size=..."
        )
    if name == "down" and size is not None and size % factor:
        raise InputError(f"size={size} is no multiple of {factor}; pass one that is")
    return factor, 4 * factor if size is None else size, size is None
