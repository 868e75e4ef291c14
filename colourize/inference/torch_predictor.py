"""Runs a network with torch: adapts ``Model`` to the interface of ``predictor``."""

from typing import Any

import numpy as np
import torch

from colourize.inference.predictor import Card
from colourize.inference.space import Floats
from colourize.model import Model


class TorchPredictor:
    """Computes the scores of a model on the model's device. N pictures, K colours, h, w pixels.

    Args:
        model: in evaluation mode.
        config: of its run, for a model card.
    """

    def __init__(self, model: Model, config: dict[str, Any] | None = None) -> None:
        self.model = model
        self.card = Card(
            name=model.about.name,
            space=model.space.name,
            palette=model.palette.detach().cpu().float().numpy(),
            size=model.about.size,
            multiple=max(model.multiple, model.least),
            temperature=model.about.temperature,
            hints=bool(getattr(model.network, "hints", False)),
            config=config or {},
        )

    @torch.inference_mode()
    def logits(self, grey: Floats) -> Floats:
        """Scores: float32 [N, 1, h, w] or [N, 5, h, w] -> float32 [N, K, h', w'].

        Raises:
            MemoryError: the memory of the CPU or the GPU is too small.
        """
        try:
            seen = torch.from_numpy(np.ascontiguousarray(grey)).to(self.model.palette.device)
            scores: Floats = self.model(seen.contiguous(memory_format=torch.channels_last)).float().cpu().numpy()
        except RuntimeError as error:  # torch has no special exception for the memory of the CPU
            if "out of memory" in str(error) or "can't allocate memory" in str(error):
                raise MemoryError(str(error).splitlines()[0]) from error
            raise
        return scores
