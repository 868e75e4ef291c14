"""Compares an exported network with its checkpoint. N pictures, K colours, h, w sides."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from colourize.errors import InputError
from colourize.inference.predictor import Floats

LIMIT = 1e-3
Scores = Callable[[Floats], Floats]
"""From grey [N, 1, h, w] to logits [N, K, h / s, w / s]."""


class Difference(NamedTuple):
    """The difference of an exported network from its checkpoint, over all pixels of the pictures.

    Attributes:
        logits: largest absolute difference.
        probabilities: largest absolute difference.
        mean: mean over pixels of half the sum of absolute differences of the probabilities, in [0, 1].
        agreement: share of the pixels with the same most probable colour.
        pictures: their number.
    """

    logits: float
    probabilities: float
    mean: float
    agreement: float
    pictures: int


def compared(expected: Scores, found: Scores, batches: Sequence[Floats]) -> Difference:
    """Runs both networks on batches of grey pictures, [N, 1, h, w] each, at least one picture in all.

    Raises:
        InputError: the logits have different shapes, or those of the checkpoint are not finite.
    """
    worst, furthest, shifted, same, pixels = 0.0, 0.0, 0.0, 0, 0
    for grey in batches:
        first, second = expected(grey), found(grey)
        if first.shape != second.shape:
            raise InputError(f"the exported network gives {second.shape}, and the checkpoint {first.shape}")
        if not np.isfinite(first).all():
            raise InputError("the network has diverged: its logits are not finite; pass an earlier checkpoint")
        before, after = probabilities(first), probabilities(second)
        change = np.abs(after - before)
        worst = max(worst, _largest(np.abs(second - first)))
        furthest = max(furthest, _largest(change))
        shifted += float(change.sum()) / 2
        same += int((first.argmax(1) == second.argmax(1)).sum())
        pixels += first[:, 0].size
    return Difference(worst, furthest, shifted / pixels, same / pixels, sum(map(len, batches)))


def _largest(values: Floats) -> float:
    """The largest value; infinity if a value is not finite."""
    return float(values.max()) if np.isfinite(values).all() else np.inf


def probabilities(logits: Floats) -> Floats:
    """softmax over the colours, in float64: [N, K, h, w] -> [N, K, h, w]."""
    shares = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def check(difference: Difference, lossy: bool = False) -> None:
    """Refuses an export whose scores are not the checkpoint's.

    Args:
        difference: as measured.
        lossy: whether the form changes the network: then only values that are not finite are refused.

    Raises:
        InputError: logits or probabilities differ by more than 1e-3 or are not finite.
    """
    limit = np.inf if lossy else LIMIT
    furthest = max(difference.logits, difference.probabilities)
    if not furthest <= limit or furthest == np.inf:
        raise InputError(
            f"the exported network differs from the checkpoint by {difference.logits:.2g} in the logits and "
            f"{difference.probabilities:.2g} in the probabilities, and <= {LIMIT:g} is allowed: nothing is written; "
            "pass another --format"
        )


def sentence(difference: Difference, pictures: str, lossy: bool = False) -> str:
    """The difference as a sentence; ``pictures`` describes the pictures. ``lossy`` adds changes of colours."""
    found = (
        f"compared with its checkpoint on {difference.pictures} {pictures}: largest difference "
        f"{difference.logits:.2g} of logits, {difference.probabilities:.2g} of probabilities"
    )
    if not lossy:
        return found
    kept, moved = f"{difference.agreement:.1%}", f"{difference.mean:.2%}"
    return f"{found}; {kept} of the pixels keep their most probable colour, {moved} of the probability moves to others"
