"""``compile=true``: compiles the network with torch, after a test on a copy."""

import copy
import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from colourize.errors import one_line

log = logging.getLogger(__name__)


def compiled(network: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor] | None:
    """The network compiled by torch, on a GPU as a CUDA graph; None if compilation fails, which is logged.

    A copy is compiled first, because a training step must not fail half-way. The result shares the weights of the
    network. It is a function and not a module, so that a module with this attribute does not count the weights twice.

    Args:
        network: the network.
        example: an input of training, [N, ...] with N >= 2.
    """
    options: dict[str, Any] = {"mode": "reduce-overhead" if example.is_cuda else "default", "dynamic": False}
    try:
        copied = copy.deepcopy(network).to(example.device)
        torch.compile(copied, **options)(example).sum().backward()
    except Exception as error:  # many types: no compiler, an unknown machine, an operator without a kernel
        log.warning("compile=true: torch cannot compile here (%s); training without it", one_line(error)[:200])
        return None
    fast = torch.compile(network, **options)

    def run(value: Tensor) -> Tensor:
        return fast(value)

    return run
