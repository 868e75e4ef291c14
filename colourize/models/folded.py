"""Networks without batch norms, for evaluation: each is made part of the convolution before it."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_weights

from colourize.kernels.neighbours import is_own, neighbours

ENCODERS = "timm."
BAND = 1e-3  # of the largest score, far above the changes by rounding


@torch.no_grad()
def folded(network: nn.Module) -> nn.Module:
    """A copy that gives the scores of a network in evaluation mode, up to rounding, in less time.

    A batch norm multiplies each channel by g = weight / sqrt(variance + eps) and adds bias - g mean, with the running
    statistics. The convolution before it does the same with weights multiplied by g (Ioffe and Szegedy 2015, section
    3.1). In our own networks and their encoders a norm normalises the convolution that is defined before it; a
    comparison on noise checks that. If nothing can be folded, or for other packages, the network itself is returned.
    """
    if not is_own(network) or not _pairs(network):
        return network
    made = copy.deepcopy(network).eval()
    noise = _noise(network)
    expected: Tensor = made(noise)
    for block, layer, name, norm in _pairs(made):
        statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        turned = isinstance(layer, nn.ConvTranspose2d)
        layer.weight, layer.bias = fuse_conv_bn_weights(layer.weight, layer.bias, *statistics, turned)  # type: ignore[arg-type]
        setattr(block, name, norm.act if _has_activation(norm) else nn.Identity())
    return made if (made(noise) - expected).abs().max() <= BAND * expected.abs().max() else network


def _pairs(network: nn.Module) -> list[tuple[nn.Module, nn.Conv2d | nn.ConvTranspose2d, str, nn.BatchNorm2d]]:
    """Convolutions with the batch norm defined after them: the module that holds both, and the norm's name in it."""
    return [
        (block, layer, name, norm)
        for block, layer, name, norm in neighbours(network, _in_order)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        and isinstance(norm, nn.BatchNorm2d)
        and _follows(layer, norm)
    ]


def _in_order(block: nn.Module) -> bool:
    return isinstance(block, nn.Sequential) or type(block).__module__.startswith(ENCODERS)


def _follows(layer: nn.Conv2d | nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> bool:
    known = type(norm) is nn.BatchNorm2d or _has_activation(norm)
    return known and norm.running_mean is not None and layer.out_channels == norm.num_features


def _has_activation(norm: nn.Module) -> bool:
    """Whether it is timm's ``BatchNormAct2d``: a norm, dropout and an activation in one."""
    return type(norm).__name__ == "BatchNormAct2d" and type(norm).__module__.startswith(ENCODERS)


def _noise(network: nn.Module) -> Tensor:
    side = 2 * int(getattr(network, "least", getattr(network, "multiple", 16)))
    drawn = torch.rand((1, 1, side, side), generator=torch.Generator().manual_seed(0))
    return drawn.to(next(network.parameters()))
