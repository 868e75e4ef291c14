"""Freezes parts of a network: their weights and, unless asked otherwise, the statistics of their batch norms."""

from collections.abc import Collection, Mapping

from torch import nn

from colourize.config.parts import is_within
from colourize.errors import InputError

NORMS = nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d


class Freezing:
    """The frozen parts of a network over the epochs. The state follows from the epoch alone, so nothing is stored.

    A frozen weight has no gradient, so an optimizer neither changes it nor keeps a state for it. A frozen module is in
    evaluation mode: dropout does nothing, and batch norms use their stored means and variances without updates.

    Args:
        network: the network. Weights that already have no gradient stay so.
        epochs: dotted names of parts, with the number of first epochs in which they do not change; inf: all.
        fixed: parts whose batch norms keep their means and variances in all epochs; "" means the whole network. The
            statistics of a few similar examples differ much from those with which given weights were trained.
        moving: whether all batch norms follow the batches, also in frozen parts and in ``fixed``.
    """

    def __init__(
        self, network: nn.Module, epochs: Mapping[str, float], fixed: Collection[str] = (), moving: bool = False
    ) -> None:
        self.network, self.epochs, self.fixed, self.moving = network, dict(epochs), set(fixed), moving
        self.trainable = {name: each for name, each in network.named_parameters() if each.requires_grad}
        self.epoch = -1
        self.still: list[nn.Module] = []

    def frozen(self, epoch: int) -> set[str]:
        """Names of the parts that are frozen in an epoch, counted from 0."""
        return {part for part, count in self.epochs.items() if epoch < count}

    def check(self) -> None:
        """Raises InputError if the first epoch has nothing to train."""
        outer = self.frozen(0)
        if outer and all(is_within(name, outer) for name in self.trainable):
            raise InputError(f"freeze leaves nothing to train in epoch 1, got {', '.join(sorted(outer))}; name fewer")

    def apply(self, epoch: int) -> None:
        """Sets gradients and modes for an epoch. Call it before each batch: Lightning sets all modes when it starts,
        and after a validation those from before it."""
        if epoch != self.epoch:
            for module in self.still:
                module.training = True
            outer = self.frozen(epoch)
            for name, parameter in self.trainable.items():
                parameter.requires_grad_(not is_within(name, outer))
            self.still = self._still(outer)
            self.epoch = epoch
        for module in self.still:
            if module.training:
                module.training = False  # not eval(), which would include the module's own batch norms

    def _still(self, outer: set[str]) -> list[nn.Module]:
        found: list[nn.Module] = []
        for name, module in self.network.named_modules():
            if isinstance(module, NORMS):
                own = [f"{name}.{each}".lstrip(".") for each, _ in module.named_parameters(recurse=False)]
                frozen = is_within(name, outer) or (bool(own) and all(is_within(each, outer) for each in own))
                if not self.moving and (frozen or "" in self.fixed or is_within(name, self.fixed)):
                    found.append(module)
            elif is_within(name, outer):
                found.append(module)
        return found
