"""Batches in an order that depends only on (seed, epoch), so that a run can resume after any batch."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

FIRST = {"epoch": 0, "skip": 0}


class Examples(Protocol):
    """Examples indexed by whole batches: int64 [n] -> tensors [n, ...]."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]: ...


class Batches(Sampler[Tensor]):
    """Index tensors of up to ``batch_size``, in an order that depends only on (seed, epoch); file order without a seed.

    Lightning calls ``set_epoch`` before each epoch. A resumed run skips the first ``skip`` batches of its first epoch.
    """

    def __init__(
        self,
        num_examples: int,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        skip: int = 0,
        device: torch.device | None = None,
    ) -> None:
        self.num_examples = num_examples
        self.device = device  # of the index tensors: one copy per epoch
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.skip = skip

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        if self.seed is None:
            order = torch.arange(self.num_examples)
        else:
            state = int(np.random.SeedSequence((self.seed, self.epoch)).generate_state(1, np.uint64)[0] >> 1)
            order = torch.randperm(self.num_examples, generator=torch.Generator().manual_seed(state))
        skip, self.skip = self.skip, 0
        yield from order.to(self.device).split(self.batch_size)[skip:]


class BatchedData(pl.LightningDataModule):
    """Loaders of two splits, which can start at any batch of any epoch.

    The examples are in memory, or in memory-mapped files, and a batch is one indexing operation. So loaders do not
    need workers.

    Args:
        train: training examples, in file order.
        validation: validation examples, in file order.
        batch_size: examples per batch.
        seed: seed of the order of the training examples.
    """

    def __init__(self, train: Examples, validation: Examples, batch_size: int, seed: int = 0) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.batch_size = batch_size
        self.seed = seed
        self.device: torch.device | None = None  # of the examples; None: the CPU
        self.start = FIRST

    @property
    def num_batches(self) -> int:
        """Training batches in an epoch."""
        return -(-len(self.train) // self.batch_size)

    @property
    def num_validation_batches(self) -> int:
        """Batches of a validation."""
        return -(-len(self.validation) // self.batch_size)

    def start_at(self, epoch: int, skip: int) -> None:
        """Sets where the next training loader starts: in this epoch, after its first ``skip`` batches."""
        self.start = {"epoch": epoch, "skip": skip}

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        start, self.start = self.start, FIRST
        batches = Batches(len(self.train), self.batch_size, self.seed, **start, device=self.device)
        return DataLoader(self.train, batch_size=None, sampler=batches)  # type: ignore[arg-type]

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        batches = Batches(len(self.validation), self.batch_size, device=self.device)
        return DataLoader(self.validation, batch_size=None, sampler=batches)  # type: ignore[arg-type]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return tuple(part.to(device, non_blocking=True) for part in batch)

    def move(self, device: torch.device) -> None:
        """Moves the examples to a device, if a task overrides this, so that batches need not be copied."""


def place(loop: dict[str, Any]) -> dict[str, int]:
    """The position of Lightning's fit loop in the order of the examples, from the loop's state.

    Returns:
        The epoch, and the number of its batches that the loop has processed. Prefetched batches do not count.
    """
    epochs, batches = (loop[name]["current"] for name in ("epoch_progress", "epoch_loop.batch_progress"))
    under_way = epochs["started"] > epochs["processed"]
    return {"epoch": epochs["processed"], "skip": batches["processed"] if under_way else 0}
