"""Which layer of a network follows which, for what computes two of them at once."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from torch import nn


def is_own(network: nn.Module) -> bool:
    """Whether a network is one of this package. One from elsewhere may use its layers in any order."""
    return type(network).__module__.startswith("colourize.models.")


def neighbours(
    network: nn.Module, in_order: Callable[[nn.Module], bool]
) -> Iterator[tuple[nn.Module, nn.Module, str, nn.Module]]:
    """Two layers defined one after the other, each used only once in the network.

    Args:
        network: its modules are searched.
        in_order: whether a module calls its children in the order of their definition.

    Returns:
        The module that holds both, the first layer, the name of the second one in it, and the second one.
    """
    uses = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    for block in filter(in_order, network.modules()):
        for (_, first), (name, second) in pairwise(block.named_children()):
            if uses[id(first)] == uses[id(second)] == 1:
                yield block, first, name, second
