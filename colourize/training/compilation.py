"""``compile=true``: torch compiles the network, after a trial. N pictures, C channels, H height, W width."""

import copy
import logging
from typing import Any

import torch
from torch import Tensor, nn

from colourize.colour.hints import CHANNELS
from colourize.data.module import LabelledPictures
from colourize.errors import one_line
from colourize.tasks.colourization.module import Colourizer

log = logging.getLogger(__name__)


def trial_batch(module: Colourizer, pictures: LabelledPictures, batch_size: int) -> Tensor:
    """What a training step gives the network, but for its hints, of which there are none: [N, C, H, W], N >= 2."""
    count = max(2, min(batch_size, len(pictures)))
    grey = pictures[torch.arange(count) % len(pictures)][0].to(module.model.palette.dtype)
    channels = CHANNELS if getattr(module.model.network, "hints", False) else 0
    return torch.nn.functional.pad(grey, (0, 0, 0, 0, 0, channels))


def compiled(network: nn.Module, grey: Tensor) -> bool:
    """Has torch compile the network, on a GPU as a CUDA graph; where that fails it stays as it is, and that is logged.

    Tried on a copy first, with a batch [N, C, H, W]: a step must not fail half-way. Returns whether it is compiled.
    """
    options: dict[str, Any] = {"mode": "reduce-overhead" if grey.is_cuda else "default", "dynamic": False}
    try:
        trial = copy.deepcopy(network).to(grey.device)
        trial.compile(**options)
        trial(grey).sum().backward()
    except Exception as error:  # no compiler, an unknown machine, an operator without a kernel: dozens of kinds
        log.warning("compile=true: torch cannot compile here (%s); it goes on without", one_line(error)[:200])
        return False
    network.compile(**options)
    return True
