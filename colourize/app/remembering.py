"""A predictor that remembers scores, so that other decodings of the same input do not run the network again."""

import hashlib

from colourize.app.kept import Kept
from colourize.inference.predictor import Predictor
from colourize.inference.space import Floats

SCORES = "scores"


class Remembering:
    """A ``Predictor`` whose network runs once for each input, as long as its scores are kept.

    Args:
        predictor: the network.
        name: that tells it from other networks with the same scores.
        kept: of one visitor.
    """

    def __init__(self, predictor: Predictor, name: str, kept: Kept) -> None:
        self.card = predictor.card
        self._predictor, self._name, self._kept = predictor, name, kept

    def logits(self, grey: Floats) -> Floats:
        """The network's scores: float32 [N, C, h, w] -> float32 [N, K, h', w'], read only."""
        key = SCORES, self._name, grey.shape, hashlib.blake2b(grey.tobytes(), digest_size=24).digest()
        found: Floats | None = self._kept.get(*key)
        if found is None:
            found = self._predictor.logits(grey)
            found.setflags(write=False)
            self._kept.put(*key, value=found, size=found.nbytes)
        return found
