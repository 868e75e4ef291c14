"""Private names of torch."""

import torch
from torch import Tensor, UntypedStorage
from torch.optim.lr_scheduler import LRScheduler
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

__all__ = [
    "STEPPED",
    "TorchDispatchMode",
    "copy_all",
    "has_bfloat16",
    "lerp_all",
    "schedule",
    "storage_key",
    "tree_map_only",
]
STEPPED = "_step_count", "_last_lr", "_is_initial", "_get_lr_called_within_step"
"""Private entries in a schedule's state that its steps change."""
USED = (
    "torch.cpu._is_avx512_bf16_supported",
    "torch._foreach_copy_",
    "torch._foreach_lerp_",
    "torch.UntypedStorage()._cdata",
    "torch.utils._python_dispatch.TorchDispatchMode",
    "torch.utils._pytree.tree_map_only",
    *(f"colourize.private.torch.schedule().state_dict().{name}" for name in STEPPED),
)


def schedule() -> LRScheduler:
    """A schedule, for the check of these names."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


def lerp_all(starts: list[Tensor], ends: list[Tensor], weight: float) -> None:
    """Moves each start towards its end in place: s <- s + weight (e - s). One launch covers many tensors."""
    torch._foreach_lerp_(starts, ends, weight)


def copy_all(targets: list[Tensor], sources: list[Tensor]) -> None:
    """Copies each source into its target. One launch covers many tensors."""
    torch._foreach_copy_(targets, sources)


def has_bfloat16() -> bool:
    """Whether the processor has AVX-512's instructions for bfloat16; those with AMX have them, too."""
    return torch.cpu._is_avx512_bf16_supported()


def storage_key(storage: UntypedStorage) -> int:
    """A number that is equal for two storages only if they are the same memory."""
    return storage._cdata
