"""Exact bytes of live tensors, and of those that autograd keeps; the memory of the process would be noisy."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from colourize.private.torch import TorchDispatchMode, storage_key, tree_map_only


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of live tensors made within the context; ``peak`` is the maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._note, made)
        self.peak = max(self.peak, sum(self.alive.values()))
        return made

    def _note(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        key = storage_key(storage)
        if key not in self.alive:
            self.alive[key] = storage.nbytes()
            weakref.finalize(storage, self.alive.pop, key, None)
        return tensor


def peak_bytes(compute: Callable[[], Any]) -> int:
    """Peak bytes of live tensors made by ``compute``."""
    with PeakMemory() as memory:
        compute()
    return memory.peak


def saved_bytes(compute: Callable[[], Any]) -> int:
    """Bytes of the distinct tensors that autograd keeps for a backward pass while ``compute`` runs."""
    kept: dict[int, int] = {}
    held: list[Tensor] = []  # keeps the tensors alive, so that no address is reused

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        held.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        compute()
    return sum(kept.values())
