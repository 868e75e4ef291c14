"""A predictor that remembers scores, so that other decodings of the same input do not run the network again."""

import hashlib
import threading
from collections import OrderedDict

from colourize.inference.predictor import Predictor
from colourize.inference.space import Floats

MOST = 24 << 20  # bytes of scores of one visitor


class Scores:
    """The most recent scores of one visitor, by network and input; the oldest go first."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._kept: OrderedDict[bytes, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Floats | None:
        """The scores of a key, which become the most recent ones."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: bytes, scores: Floats) -> None:
        """Keeps scores, and drops old ones above the limit; the newest are kept whatever their size."""
        with self._lock:
            self._kept[key] = scores
            while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > self.most:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._kept.clear()


class Remembering:
    """A ``Predictor`` whose network runs once for each input, as long as its scores are kept.

    Args:
        predictor: the network.
        name: that tells it from other networks with the same scores.
        scores: of one visitor.
    """

    def __init__(self, predictor: Predictor, name: str, scores: Scores) -> None:
        self.card = predictor.card
        self._predictor, self._name, self._scores = predictor, name, scores

    def logits(self, grey: Floats) -> Floats:
        """The network's scores: float32 [N, C, h, w] -> float32 [N, K, h', w'], read only."""
        begin = f"{self._name}\0{grey.shape}".encode()
        key = hashlib.blake2b(grey.tobytes(), digest_size=24, key=hashlib.blake2b(begin).digest()).digest()
        found = self._scores.get(key)
        if found is None:
            found = self._predictor.logits(grey)
            found.setflags(write=False)
            self._scores.put(key, found)
        return found
