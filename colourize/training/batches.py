"""Batches in an order that depends only on (seed, epoch), so that a run can resume after any of them."""

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
    """Index tensors of up to ``batch_size``, in an order that depends only on (seed, epoch); unseeded in file order.

    Lightning calls ``set_epoch`` before each epoch. In a resumed run the first ``skip`` batches of the first epoch are
    left out.
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
        self.device = device  # of the index tensors: one copy an epoch
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

    Everything stays in memory, or in memory-mapped files, and a batch is one indexing operation, so loaders need no
    workers.

    Args:
        train: examples in the order of their files.
        validation: likewise.
        batch_size: examples in a batch.
        seed: of the order of the training examples.
    """

    def __init__(self, train: Examples, validation: Examples, batch_size: int, seed: int = 0) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.batch_size = batch_size
        self.seed = seed
        self.device: torch.device | None = None  # of the examples, where not the CPU
        self.start = FIRST

    @property
    def num_batches(self) -> int:
        """Training batches in an epoch."""
        return -(-len(self.train) // self.batch_size)

    def start_at(self, epoch: int, skip: int) -> None:
        """Lets the next training loader begin in this epoch, after its first ``skip`` batches."""
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
        """Keeps the examples on a device where the task knows how, so that no batch has to be copied."""


def place(loop: dict[str, Any]) -> dict[str, int]:
    """The place in the order of the examples at which Lightning's fit loop is, from its state.

    Returns:
        The epoch, and its batches that are done: those that the loop has processed, not what loaders have fetched.
    """
    epochs, batches = (loop[name]["current"] for name in ("epoch_progress", "epoch_loop.batch_progress"))
    under_way = epochs["started"] > epochs["processed"]
    return {"epoch": epochs["processed"], "skip": batches["processed"] if under_way else 0}
