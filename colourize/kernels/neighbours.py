"""Finds which layer of a network follows which, for kernels that compute two layers at once."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from torch import nn


def is_own(network: nn.Module) -> bool:
    """Whether a network is one of this package. One from elsewhere may use its layers in any order."""
    return type(network).__module__.startswith("colourize.models.")


def neighbours(
    network: nn.Module, in_order: Callable[[nn.Module], bool], passed: tuple[type[nn.Module], ...] = ()
) -> Iterator[tuple[nn.Module, nn.Module, str, nn.Module]]:
    """Two layers defined one after the other, each used only once in the network.

    Args:
        network: its modules are searched.
        in_order: whether a module calls its children in the order of their definition.
        passed: types of layers that are passed over, so that those around them are neighbours.

    Returns:
        The module that holds both, the first layer, the name of the second one in it, and the second one.
    """
    uses = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    for block in filter(in_order, network.modules()):
        layers = [(name, layer) for name, layer in block.named_children() if not isinstance(layer, passed)]
        for (_, first), (name, second) in pairwise(layers):
            if uses[id(first)] == uses[id(second)] == 1:
                yield block, first, name, second
