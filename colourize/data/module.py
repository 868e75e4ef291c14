"""From a source's pictures to batches of (grey, labels). N pictures, H height, W width, K colours, C channels.

Grey is what the colour space makes the networks' input: mean(R, G, B) / 256, or a lightness.

Everything stays in memory, or in memory-mapped files, and a batch is one indexing operation, so no loader workers are
wanted.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from colourize.colour.spaces import RGB, SPACES, Space
from colourize.data import labelled as whole
from colourize.data.labelled import LabelledPictures, fingerprint
from colourize.data.pictures import Pictures

log = logging.getLogger(__name__)
__all__ = ["Batches", "ColourData", "LabelledPictures", "fingerprint", "labelled"]


def labelled(
    pictures: Pictures, palette: Tensor, cache_dir: str | Path, space: Space = RGB
) -> tuple[LabelledPictures, LabelledPictures]:
    """Both splits of ``data.labelled.labelled``; use that in new code."""
    found = whole.labelled(pictures, palette, cache_dir, space)
    return found.train, found.validation


class Batches(Sampler[Tensor]):
    """Index tensors of up to ``batch_size``, in an order that depends on (seed, epoch) alone; in file order unseeded.

    Lightning calls ``set_epoch`` before each epoch. Where a run goes on, the first ``skip`` batches of its first epoch
    are left out.
    """

    def __init__(
        self,
        num_pictures: int,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        skip: int = 0,
        device: torch.device | None = None,
    ) -> None:
        self.num_pictures = num_pictures
        self.device = device  # of the index tensors: one copy an epoch
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = epoch
        self.skip = skip

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.num_pictures // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        if self.seed is None:
            order = torch.arange(self.num_pictures)
        else:
            state = int(np.random.SeedSequence((self.seed, self.epoch)).generate_state(1, np.uint64)[0] >> 1)
            order = torch.randperm(self.num_pictures, generator=torch.Generator().manual_seed(state))
        skip, self.skip = self.skip, 0
        yield from order.to(self.device).split(self.batch_size)[skip:]


class ColourData(pl.LightningDataModule):
    """Loads the pictures, fits or loads the palette, and quantizes: once, at ``setup``.

    After it ``pictures`` and ``palette``, float32 [K, C], are there to look at.

    Args:
        source: gives the pictures.
        num_colours: K.
        palette: ``kmeans`` over the training pixels, or a ``.npy`` file.
        colour_space: of the palette: a name in ``spaces.SPACES``.
        batch_size: pictures a batch.
        seed: of the order of the training pictures.
        cache_dir: where fitted palettes are kept.
    """

    def __init__(
        self,
        source: Callable[[], Pictures],
        *,
        num_colours: int = 24,
        palette: str = "kmeans",
        colour_space: str = "rgb",
        batch_size: int = 100,
        seed: int = 0,
        cache_dir: str | Path = "data/cache",
    ) -> None:
        super().__init__()
        self.source = source
        self.num_colours = num_colours
        self.palette_source = palette
        self.space = SPACES[colour_space]
        self.batch_size = batch_size
        self.seed = seed
        self.cache_dir = cache_dir
        self.pictures: Pictures | None = None
        self.ready = False
        self.place = {"epoch": 0, "skip": 0}

    def read(self) -> Pictures:
        """The source's pictures, read once."""
        self.pictures = self.pictures or self.source()
        return self.pictures

    def setup(self, stage: str | None = None) -> None:
        if self.ready:
            return
        pictures = self.read()
        self.palette = self._palette(pictures.train)
        self.train, self.validation = labelled(pictures, self.palette, self.cache_dir, self.space)
        self.ready = True
        sizes = "x".join(map(str, pictures.train.shape[1:3]))
        log.info("%d training and %d validation pictures of %s", len(self.train), len(self.validation), sizes)

    def _palette(self, images: Tensor) -> Tensor:
        return whole.palette_of(images, self.num_colours, self.cache_dir, self.palette_source, self.space)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        place, self.place = self.place, {"epoch": 0, "skip": 0}
        batches = Batches(len(self.train), self.batch_size, self.seed, **place, device=self.train.labels.device)
        return DataLoader(self.train, batch_size=None, sampler=batches)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        batches = Batches(len(self.validation), self.batch_size, device=self.validation.labels.device)
        return DataLoader(self.validation, batch_size=None, sampler=batches)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return tuple(part.to(device, non_blocking=True) for part in batch)

    def move(self, device: torch.device) -> None:
        """Keeps pictures and labels on a device, so that no batch has to travel; what lies on disk stays there."""
        assert self.pictures is not None
        if not self.pictures.mapped:
            self.train, self.validation = self.train.to(device), self.validation.to(device)

    def fingerprint(self) -> str:
        """``fingerprint`` of the pictures, the palette and its space."""
        assert self.pictures is not None
        return fingerprint(self.pictures, self.palette, self.space)

    def state_dict(self) -> dict[str, int]:
        """The place in the order of the pictures: the epoch and its batches that are done.

        Counted from what the loop has processed, not from what loaders have fetched ahead.
        """
        assert self.trainer is not None
        loop = self.trainer.fit_loop
        epochs, batches = (
            part.state_dict()["current"] for part in (loop.epoch_progress, loop.epoch_loop.batch_progress)
        )
        under_way = epochs["started"] > epochs["processed"]
        return {"epoch": epochs["processed"], "skip": batches["processed"] if under_way else 0}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.place = state_dict
