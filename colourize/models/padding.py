"""Padding rules: the paddings with which a (transposed) convolution divides or multiplies a side exactly.

k kernel, s stride, d dilation, p padding, q output padding, e = d (k - 1) the window's extent minus one pixel. The
sizes are torch's (Dumoulin, Visin 2016, arXiv 1603.07285, relationships 6 and 14, with dilation 15):

    convolution             H -> floor((H + 2p - e - 1) / s) + 1
    transposed convolution  H -> (H - 1) s - 2p + e + 1 + q,  0 <= q < max(s, d)
"""

from dataclasses import dataclass

from colourize.errors import InputError


@dataclass(frozen=True)
class Padding:
    """A padding and the output side that it gives, in pixels.

    ``size`` is an input side, ``produced`` its output side and ``wanted`` the requested one. With ``every_size`` the
    rule applies to every multiple of the factor.
    """

    padding: int
    output_padding: int
    size: int
    produced: int
    wanted: int
    every_size: bool

    @property
    def exact(self) -> bool:
        """Whether the output side is the requested one."""
        return self.produced == self.wanted


def convolved(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Output side of a convolution, in pixels: floor((H + 2p - e - 1) / s) + 1."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def transposed(size: int, kernel: int, stride: int, dilation: int, padding: int, output_padding: int) -> int:
    """Output side of a transposed convolution, in pixels: (H - 1) s - 2p + e + 1 + q."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + output_padding


def down(
    kernel: int, stride: int = 2, dilation: int = 1, factor: int | None = None, size: int | None = None
) -> Padding:
    """The smallest padding with which a convolution gives H / factor, or the nearest possible side.

    With ``factor`` = ``stride``, the default, it is max(0, ceil((e + 1 - s) / 2)) for every H. The centre of a window
    is then at the centre of the s pixels that it replaces, or half a pixel away from it. No exact padding exists for
    stride 1 and odd e, because the two sides need different paddings (see ``models.blocks.SameConv2d``).

    Args:
        kernel: k >= 1, in pixels.
        stride: s >= 1, in pixels.
        dilation: d >= 1, in pixels.
        factor: divisor of the side, the stride by default; any other factor requires ``size``.
        size: H, a multiple of the factor, in pixels.

    Raises:
        InputError: a value < 1; a factor other than the stride without a size; a size that the factor does not divide.
    """
    factor, size, every_size = _checked("down", kernel, stride, dilation, factor, size)
    extent, wanted = dilation * (kernel - 1), size // factor
    least = max(0, -((size - extent - 1 - stride * (wanted - 1)) // 2))  # 2p >= s (wanted - 1) + e + 1 - H
    candidates = [p for p in (least, least - 1) if p >= 0 and size + 2 * p > extent]
    made = [Padding(p, 0, size, convolved(size, kernel, stride, dilation, p), wanted, every_size) for p in candidates]
    return min(made, key=lambda found: abs(found.produced - wanted))


def up(kernel: int, stride: int = 2, dilation: int = 1, factor: int | None = None, size: int | None = None) -> Padding:
    """The paddings with which a transposed convolution gives factor * H, or the nearest possible side.

    The output padding is as small as possible. With ``factor`` = ``stride`` the padding equals that of ``down``, whose
    adjoint this convolution is, and q = 2p - (e + 1 - s). No exact padding exists for stride 1, dilation 1 and even
    kernels.

    Args:
        kernel: k >= 1, in pixels.
        stride: s >= 1, in pixels.
        dilation: d >= 1, in pixels.
        factor: multiplier of the side, the stride by default; any other factor requires ``size``.
        size: H, in pixels.

    Raises:
        InputError: a value < 1, or a factor other than the stride without a size.
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
    """Zeros before and after, with which a convolution of stride 1 keeps the side: floor(e / 2), ceil(e / 2)."""
    extent = dilation * (kernel - 1)
    return extent // 2, extent - extent // 2


def _checked(
    name: str, kernel: int, stride: int, dilation: int, factor: int | None, size: int | None
) -> tuple[int, int, bool]:
    """The factor, the size and whether the rule is for every size; its example is then 4 times the factor."""
    for key, value in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise InputError(f"{key} must be >= 1, got {value}; pass {key}=1 or more")
    factor = stride if factor is None else factor
    if factor < 1 or (size is not None and size < 1):
        raise InputError(f"factor and size must be >= 1, got {factor} and {size}; pass 1 or more")
    if size is None and factor != stride:
        raise InputError(
            f"factor must be stride={stride} where no size is given, got {factor}; pass stride={factor} or a size"
        )
    if name == "down" and size is not None and size % factor:
        raise InputError(f"size must be a multiple of {factor}, got {size}; pass size={4 * factor}")
    return factor, 4 * factor if size is None else size, size is None
