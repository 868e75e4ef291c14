"""The pictures of a run as batches of grey and labels."""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize.config.knobs import value_in
from colourize.config.options import option
from colourize.data.blocks import RawPictures
from colourize.data.labelled import Labelled, LabelledPictures, prepared
from colourize.evaluation.yardstick import Yardstick
from colourize.runs.trained import palette as palette_in
from colourize.tasks.colourization import starting
from colourize.training.batches import BatchedData
from colourize.training.start import Start

OF_PALETTE = "init_from", "palette", "num_colours", "colour_space"


class ColourData(BatchedData):
    """Loaders of labelled pictures: grey float32 [N, 1, H, W], labels int64 [N, H, W].

    Args:
        pictures: both splits, with their palette.
        batch_size: pictures per batch.
        seed: seed of the order of the training pictures.
        cache_dir: cache folder for the scores of floors and ceilings; None: no cache.
        raw: whether training batches are pictures, uint8 [N, H, W, 3], which are converted later.
    """

    def __init__(
        self,
        pictures: Labelled,
        batch_size: int = 100,
        seed: int = 0,
        cache_dir: str | Path | None = None,
        raw: bool = False,
    ) -> None:
        train = RawPictures(pictures.pictures.train) if raw else pictures.train
        super().__init__(train, pictures.validation, batch_size, seed)
        self.pictures = pictures
        self.cache_dir = cache_dir

    @cached_property
    def fingerprint(self) -> str:
        """20 hex digits that identify the pictures and the palette."""
        return self.pictures.fingerprint()

    @cached_property
    def yardstick(self) -> Yardstick:
        """The floors and ceilings of the pictures, fitted to the training split."""
        found = self.pictures
        return Yardstick(
            found.pictures, found.train, found.validation, found.palette, found.space, self.cache_dir, self.fingerprint
        )

    def move(self, device: torch.device) -> None:
        """Moves grey and labels to a device, so that batches are not copied. Memory-mapped arrays stay on disk."""
        if not self.pictures.pictures.mapped and isinstance(self.train, LabelledPictures):
            self.train, self.validation = (each.to(device) for each in (self.pictures.train, self.pictures.validation))
            self.device = device


def load(knobs: dict[str, Any]) -> ColourData:
    """Loads the pictures of a configuration.

    Raises:
        InputError: the source, its pictures or the palette cannot be used.
    """
    return _labelled(knobs, starting.palette(knobs))


def resumed(knobs: dict[str, Any], start: Start) -> ColourData:
    """Loads the pictures of a run that is resumed from a checkpoint.

    The palette of the checkpoint takes the place of a file's (``init_from``, ``palette=FILE``), which may be gone.

    Raises:
        InputError: as ``load``.
    """
    before = start.contents["config"]
    from_file = value_in(knobs, "init_from") is not None or knobs["palette"] != "kmeans"
    if from_file and all(value_in(before, name) == value_in(knobs, name) for name in OF_PALETTE):
        return _labelled(knobs, palette_in(start.path, start.contents))
    return load(knobs)


def _labelled(knobs: dict[str, Any], palette: Tensor | None) -> ColourData:
    pictures = prepared(knobs, palette=palette)
    return ColourData(pictures, knobs["batch_size"], knobs["seed"], knobs["cache_dir"], changes_pictures(knobs))


def changes_pictures(knobs: dict[str, Any]) -> bool:
    """Whether the augmentation of a configuration changes pictures, not grey and labels."""
    return bool(knobs.get("augment")) and option(knobs["augment"]["_target_"], "augment") in ("crops", "old")
