"""Layers of a real network, by hooks on a forward pass, and their counts."""

import torch
from torch import nn

PLACES = [(1, 32, 24, 3, 32, 32), (3, 5, 7, 5, 8, 16), (2, 4, 6, 2, 4, 12), (1, 8, 3, 1, 16, 8)]  # NIC NF NC k H W


def layers(network, shape):
    """(module, input shape, output shape) of each layer that computes, for one picture."""
    found, hooks = [], []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.MaxPool2d | nn.Upsample):
            hooks.append(module.register_forward_hook(
                lambda module, given, made: found.append((module, given[0].shape[1:], made.shape[1:]))))  # fmt: skip
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return found


def counts(network, shape):
    """Counts window by window, with the names of ``general``."""
    sums = dict.fromkeys(
        ("weights", "outputs", "outputs of convolutions", "connections", "connections of convolutions"), 0
    )
    for module, given, made in layers(network, shape):
        convolves = isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        if convolves:
            sites = given[1:].numel() if isinstance(module, nn.ConvTranspose2d) else made[1:].numel()
            pairs = module.weight.numel() * sites
            sums["weights"] += module.weight.numel()
            sums["outputs of convolutions"] += made.numel()
            sums["connections of convolutions"] += pairs
        else:
            pairs = given.numel() if isinstance(module, nn.MaxPool2d) else made.numel()
        sums["outputs"] += made.numel()
        sums["connections"] += pairs
    return sums
