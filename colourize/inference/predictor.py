"""The interface of a network, whichever library runs it.

N pictures, K colours, C channels of the palette, h height, w width.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Card:
    """A description of a network, with everything that is needed to use it.

    Attributes:
        name: of the file, for notes in pictures.
        space: the colour space of the palette: rgb, lab or oklab.
        palette: float32 [K, C].
        size: the shorter side of the pictures that it was trained with, in pixels.
        multiple: height and width of its input must be multiples of this.
        temperature: its logits divided by this are calibrated; 1 where it was not measured.
        hints: whether it was trained with hints, and so takes [N, 5, h, w] too (``colour.hints``).
        config: the configuration of its run, for its model card.
    """

    name: str
    space: str
    palette: Floats
    size: int
    multiple: int
    temperature: float = 1.0
    hints: bool = False
    config: dict[str, Any] = field(default_factory=dict)


class Predictor(Protocol):
    """Gives the scores of a network. ``torch_predictor`` and ``onnx_predictor`` implement it.

    >>> import numpy
    >>> from colourize.inference.opened import opened
    >>> predictor = opened("shipped", device="cpu")
    >>> side = predictor.card.multiple
    >>> scores = predictor.logits(numpy.zeros((2, 1, side, 3 * side), numpy.float32))
    >>> scores.shape[:2] == (2, len(predictor.card.palette)), scores.dtype
    (True, dtype('float32'))
    """

    card: Card

    def logits(self, grey: Floats) -> Floats:
        """Scores of grey pictures.

        Args:
            grey: float32 [N, 1, h, w] in [0, 255/256], or with hints [N, 5, h, w]. Lightness in lab and oklab,
                mean(R, G, B) in rgb.

        Returns:
            float32 [N, K, h', w'], h' and w' a fixed fraction of h and w.
        """
        ...
