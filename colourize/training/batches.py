"""Batches in an order that depends only on (seed, epoch), so that a run can resume after any batch."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from colourize.training.distributed import collectives, shares

FIRST = {"epoch": 0, "skip": 0}


class Examples(Protocol):
    """Examples indexed by whole batches: int64 [n] -> tensors [n, ...]."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]: ...


class Batches(Sampler[Tensor]):
    """Index tensors of up to ``batch_size``, in an order that depends only on (seed, epoch); file order without a seed.

    With several ranks a batch has up to ``batch_size`` indices of each, and this rank gets its part: together they see
    the examples of one rank with the larger batch. Only parts of validation batches may be empty, and are left out.

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
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.rank, self.ranks = rank, ranks
        self.num_examples = num_examples
        self.device = device  # of the index tensors: one copy per epoch
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.skip = skip

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, counted from 0, whose order the next iteration gives."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole, rest = divmod(self.num_examples, self.batch_size * self.ranks)
        return whole + (rest > (0 if self.seed is not None else self.rank))

    def __iter__(self) -> Iterator[Tensor]:
        if self.seed is None:
            order = torch.arange(self.num_examples)
        else:
            state = int(np.random.SeedSequence((self.seed, self.epoch)).generate_state(1, np.uint64)[0] >> 1)
            order = torch.randperm(self.num_examples, generator=torch.Generator().manual_seed(state))
        skip, self.skip = self.skip, 0
        for batch in order.to(self.device).split(self.batch_size * self.ranks)[skip:]:
            own = shares.part(batch, self.rank, self.ranks, filled=self.seed is not None)
            if len(own):
                yield own


class BatchedData(pl.LightningDataModule):
    """Loaders of two splits, which can start at any batch of any epoch.

    The examples are in memory, or in memory-mapped files, and a batch is one indexing operation. So loaders do not
    need workers.

    Args:
        train: training examples, in file order.
        validation: validation examples, in file order.
        batch_size: examples per batch, of each rank.
        seed: seed of the order of the training examples.

    Attributes:
        order: class of the sampler, which gives the indices of the examples; a task may use a subclass.
    """

    order: type[Batches] = Batches

    def __init__(self, train: Examples, validation: Examples, batch_size: int, seed: int = 0) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.batch_size = batch_size
        self.seed = seed
        self.device: torch.device | None = None  # of the examples; None: the CPU
        self.start = FIRST

    @property
    def step_size(self) -> int:
        """Examples per batch, of all ranks together."""
        return self.batch_size * collectives.size()

    @property
    def num_batches(self) -> int:
        """Training batches in an epoch."""
        return -(-len(self.train) // self.step_size)

    def own_size(self, index: int) -> int:
        """The number of this rank's examples in a training batch of an epoch. It may be 0: see ``shares``."""
        count = min(self.step_size, len(self.train) - index * self.step_size)
        return shares.size_of(count, collectives.rank(), collectives.size())

    @property
    def num_validation_batches(self) -> int:
        """Batches of a validation; of several ranks, of the one with the fewest."""
        whole, rest = divmod(len(self.validation), self.step_size)
        return whole + (rest >= collectives.size())

    def start_at(self, epoch: int, skip: int) -> None:
        """Sets where the next training loader starts: in this epoch, after its first ``skip`` batches."""
        self.start = {"epoch": epoch, "skip": skip}

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        start, self.start = self.start, FIRST
        batches = self.order(len(self.train), self.batch_size, self.seed, **{**start, **self._own()})
        return DataLoader(self.train, batch_size=None, sampler=batches)  # type: ignore[arg-type]

    def whole_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Training batches of all ranks together, in the order of a new run."""
        batches = self.order(len(self.train), self.step_size, self.seed, device=self.device)
        return DataLoader(self.train, batch_size=None, sampler=batches)  # type: ignore[arg-type]

    def _own(self) -> dict[str, Any]:
        return {"device": self.device, "rank": collectives.rank(), "ranks": collectives.size()}

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        batches = self.order(len(self.validation), self.batch_size, **self._own())
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
