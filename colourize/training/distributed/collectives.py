"""Sums, maxima and values over the ranks of a run. In a run of one process they return their argument.

A rank is one of the W processes that train together, numbered from 0.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from colourize.training.distributed.place import Place

Found = TypeVar("Found")


def rank() -> int:
    """The number of this process, in [0, W)."""
    return dist.get_rank() if _several() else 0


def size() -> int:
    """W, the number of processes."""
    return dist.get_world_size() if _several() else 1


def _several() -> bool:
    return dist.is_available() and dist.is_initialized()


def total(tensor: Tensor) -> Tensor:
    """The sum over the ranks, in the tensor's own type: [...] -> [...]. Exact for integers; float64 is the rest's type.

    The sum is taken on the CPU, in the order of the ranks, so that it has the same bits everywhere.
    """
    return each(tensor).sum(dim=0).to(tensor.device) if size() > 1 else tensor


def each(tensor: Tensor) -> Tensor:
    """The values of all ranks, on the CPU: [...] -> [W, ...]."""
    own = tensor.detach().cpu().contiguous()
    if size() == 1:
        return own[None]
    found = [torch.empty_like(own) for _ in range(size())]
    dist.all_gather(found, own)
    return torch.stack(found)


def joined(rows: Tensor) -> Tensor:
    """The rows of all ranks, in their order, on the CPU: [n, m] of each -> [n_0 + n_1 + ..., m]."""
    counts = each(torch.tensor(len(rows))).tolist()
    padded = rows.new_zeros(max(counts), rows.shape[1])
    padded[: len(rows)] = rows
    return torch.cat([part[:count] for part, count in zip(each(padded), counts, strict=True)])


def highest(*values: int) -> tuple[int, ...]:
    """The highest of each value over the ranks; all ranks get the same."""
    if size() == 1:
        return values
    found = torch.tensor(values, dtype=torch.int64)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return tuple(found.tolist())


def shared(value: Any) -> Any:
    """Rank 0's plain value: numbers, texts, lists and dictionaries, as JSON."""
    if size() == 1:
        return value
    text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
    length = torch.tensor([len(text)])
    dist.broadcast(length, 0)
    found = text if rank() == 0 else torch.empty(int(length), dtype=torch.uint8)
    dist.broadcast(found, 0)
    return json.loads(bytes(found.tolist()))


@dataclass
class Turns:
    """The order of the ranks of a machine: the first one prepares files, and the others then find them."""

    store: Any
    place: Place


turns: Turns | None = None


def after_the_first(load: Callable[[], Found]) -> Found:
    """Calls a function on the first rank of each machine, and then on its others.

    The others wait in Python without a time limit: unlike in a sum, a signal or another thread can wake them.
    """
    if turns is None:
        return load()
    place = turns.place
    key = f"loaded/{place.rank - place.local_rank}"
    while place.local_rank and not turns.store.check([key]):
        time.sleep(0.1)
    found = load()
    turns.store.set(key, "1")
    return found
