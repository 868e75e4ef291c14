"""Groups of parameters with learning rates of their own."""

from collections.abc import Sequence
from typing import Any


def groups(parameters: Sequence[Any], factors: Sequence[float], lr: float) -> list[Any]:
    """An optimizer's argument: the parameters, or a group for each factor if there are several.

    The group with the factor 1 comes first, because tables show the rate of the first group.

    Args:
        parameters: the parameters.
        factors: the factor of each parameter's learning rate.
        lr: the learning rate with the factor 1.
    """
    different = sorted(dict.fromkeys(factors), key=lambda factor: factor != 1)
    if different in ([], [1]):
        return list(parameters)
    members = {each: [p for p, own in zip(parameters, factors, strict=True) if own == each] for each in different}
    return [
        {"params": each} if factor == 1 else {"params": each, "lr": factor * lr} for factor, each in members.items()
    ]
