"""The part of a batch that each rank trains on. W ranks, b examples of each: a batch has up to b * W examples.

A batch is cut into W parts in its order, the first ones larger by an example where it cannot be cut evenly. A rank with
an empty part, in an epoch's last batch, gets the batch's first example with weight 0, so that it takes part in sums.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Share:
    """The part of the current batch: ``size`` examples that count."""

    size: int = 1


share = Share()
"""Of this process; the module sets it before each batch, for batch norm over the ranks."""


def size_of(count: int, rank: int, ranks: int) -> int:
    """The number of examples of a rank in a batch of ``count``."""
    return count // ranks + (rank < count % ranks)


def part(batch: Tensor, rank: int, ranks: int, filled: bool = True) -> Tensor:
    """The part of a batch: int64 [n] -> [n / W], rounded up or down; with ``filled`` at least one index."""
    found = batch.tensor_split(ranks)[rank] if ranks > 1 else batch
    return found if len(found) or not filled else batch[:1]
