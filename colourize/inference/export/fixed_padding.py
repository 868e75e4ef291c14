"""Makes padding that depends on the input's size constant: otherwise tracing with dynamic sides takes minutes.

timm's ``Conv2dSame`` pads as TensorFlow does: a side that is a multiple of the stride s gets max(e - s, 0) zeros in
all, where e = d (k - 1) + 1; the odd one is at the end. An exported network's sides are multiples of its strides.
"""

import copy

from torch import nn


def fixed(network: nn.Module) -> nn.Module:
    """A network with the same weights and constant padding in ``Conv2dSame``, for sides that the strides divide."""
    try:
        from timm.layers.conv2d_same import Conv2dSame
    except ImportError:
        return network
    if not any(isinstance(module, Conv2dSame) for module in network.modules()):
        return network
    changed = copy.deepcopy(network)
    for parent in list(changed.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Conv2dSame):
                setattr(parent, name, _padded(child))
    return changed


def _padded(same: nn.Conv2d) -> nn.Sequential:
    """[N, C, H, W] -> [N, D, H / s, W / s], for multiples of s."""
    extents = [dilation * (kernel - 1) + 1 for dilation, kernel in zip(same.dilation, same.kernel_size, strict=True)]
    (below, right) = (max(extent - stride, 0) for extent, stride in zip(extents, same.stride, strict=True))
    plain = copy.copy(same)  # shares the weights
    plain.__class__ = nn.Conv2d  # whose padding is 0 here, as Conv2dSame pads by itself
    plain.padding = (0, 0)
    pad = nn.ZeroPad2d((right // 2, right - right // 2, below // 2, below - below // 2))
    return nn.Sequential(pad, plain).eval()
