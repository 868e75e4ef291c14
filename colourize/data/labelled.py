"""Creates labelled pictures from a configuration: read -> palette -> labels.

N pictures, H height, W width, K colours, C channels of the palette.

The colour space defines the grey of a picture, the input of the networks: mean(R, G, B) / 256, or a lightness.
"""

import copy
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from colourize.colour import kmeans
from colourize.colour import palette as palettes
from colourize.colour.rgb import LEVELS
from colourize.colour.spaces import RGB, SPACES, Space
from colourize.config.instantiate import builder
from colourize.config.knobs import before
from colourize.data.blocks import FORMAT, blocks, check_sides
from colourize.data.cache import Stream, cached, cached_array, digest
from colourize.data.pictures import Pictures

log = logging.getLogger(__name__)
FEWER = "fast", "overfit"
"""Values of ``debug`` with pictures for one batch only."""
PALETTE_SEED = 0  # not the run's seed, so that runs with different seeds use the same palette


class GreyOf:
    """Greys of pictures on disk, computed on access. Indexed like a tensor [N, 1, H, W]."""

    def __init__(self, images: Tensor, space: Space) -> None:
        self.images = images
        self.space = space

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int | Tensor) -> Tensor:
        return self.space.lightness(self.images[index])

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Greys of selected pictures, like ``Tensor.index_select``."""
        return self.space.lightness(self.images.index_select(dim, index))


class LabelledPictures(Dataset[tuple[Tensor, Tensor]]):
    """Grey float32 [N, 1, H, W] in [0, 1) and labels [N, H, W], indexed by whole batches.

    ``coarse`` contains one grey for each label: here the greys themselves.

    Args:
        images: uint8 [N, H, W, 3].
        palette: float32 [K, C], in the colour space ``space``.
        mapped: for pictures on disk, the folder of their labels; greys are computed for each batch.
    """

    def __init__(self, images: Tensor, palette: Tensor, mapped: str | Path | None = None, space: Space = RGB) -> None:
        self.grey: Any = space.lightness(images) if mapped is None else GreyOf(images, space)
        self.labels = (
            palettes.quantize(images, palette, space)
            if mapped is None
            else _mapped_labels(images, palette, mapped, space)
        )
        self.coarse: Any = self.grey

    def __len__(self) -> int:
        return len(self.grey)

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor]:
        index = index.to(self.labels.device, non_blocking=True)
        return self.grey.index_select(0, index), self.labels.index_select(0, index).long()  # half the time of [index]

    def to(self, device: torch.device) -> "LabelledPictures":
        """Copies the pictures to another device."""
        moved = copy.copy(self)
        moved.grey, moved.labels = self.grey.to(device), self.labels.to(device)
        moved.coarse = moved.grey
        return moved


class BlockPictures(LabelledPictures):
    """Grey float32 [N, 1, H, W] and labels of blocks of SxS pixels [N, H / S, W / S], indexed by whole batches.

    A label is the palette colour nearest to a block's mean; ``coarse`` contains the mean grey of each block. Both
    are cached on disk. The greys are computed for each batch.

    Args:
        images: uint8 [N, H, W, 3].
        palette: float32 [K, C], in the colour space ``space``.
        stride: S; H and W must be multiples of it.
        folder: the cache folder.

    Raises:
        InputError: H or W is not a multiple of the stride.
    """

    def __init__(self, images: Tensor, palette: Tensor, stride: int, folder: str | Path, space: Space = RGB) -> None:
        check_sides(images.shape[1], images.shape[2], stride)
        self.grey = GreyOf(images, space)
        key = digest("blocks", FORMAT, images.numpy(), palette.numpy(), space.name, stride)
        shape = len(images), images.shape[1] // stride, images.shape[2] // stride
        labels, means = cached(
            folder,
            f"blocks-{key}",
            ["-labels.npy", "-grey.npy"],
            lambda: [each.numpy() for each in blocks(images, palette, stride, space)],
            lambda labels, means: labels.shape == shape == means.shape[:1] + means.shape[2:],
        )
        self.labels, self.coarse = map(torch.from_numpy, (labels, means))

    def to(self, device: torch.device) -> LabelledPictures:
        """Returns itself: the pictures stay on their device, and each batch is copied."""
        return self


@dataclass(frozen=True)
class Labelled:
    """Pictures of both splits, with labels of one palette, float32 [K, C], in the colour space ``space``."""

    pictures: Pictures
    palette: Tensor
    space: Space
    train: LabelledPictures
    validation: LabelledPictures

    def fingerprint(self) -> str:
        """``fingerprint`` of the pictures, the palette and its space."""
        return fingerprint(self.pictures, self.palette, self.space)


def read(config: dict[str, Any]) -> Pictures:
    """Reads the pictures of a configuration's source.

    Raises:
        InputError: a setting of the source is invalid, or the pictures cannot be read.
    """
    pictures: Pictures = builder("data", config["data"])()
    return fewer(pictures, config["batch_size"], config["debug"]) if config.get("debug") in FEWER else pictures


def fewer(pictures: Pictures, count: int, debug: str) -> Pictures:
    """As many evenly spaced pictures of each split as a batch has; with ``overfit`` the training pictures validate."""
    few = [_spread(pictures.train, count), _spread(pictures.validation, count)]
    if pictures.train_objects is None or pictures.validation_objects is None:
        objects: list[Tensor | None] = [None, None]
    else:
        objects = [_spread(pictures.train_objects, count), _spread(pictures.validation_objects, count)]
    if debug == "overfit":
        few, objects = [few[0]] * 2, [objects[0]] * 2
    return Pictures(few[0], few[1], objects[0], objects[1])


def _spread(images: Tensor, count: int) -> Tensor:
    return images[torch.linspace(0, len(images) - 1, min(count, len(images))).long()]


def palette_of(
    images: Tensor, num_colours: int, cache_dir: str | Path, source: str = "kmeans", space: Space = RGB
) -> Tensor:
    """The palette of the training pictures: uint8 [N, H, W, 3] -> float32 [K, C].

    Args:
        images: of the training split.
        num_colours: K.
        cache_dir: folder of fitted palettes.
        source: ``kmeans`` over the pixels, or a ``.npy`` file.
        space: the colour space of the palette.

    Raises:
        InputError: a file that does not contain K colours of the space.
    """
    if source != "kmeans":
        return palettes.load(source, num_colours, space)
    key = digest("k-means", kmeans.FIT_VERSION, images.numpy(), PALETTE_SEED, *_part(space))
    fitted = cached_array(
        cache_dir,
        f"palette-{num_colours}-{key}",
        lambda: kmeans.fit(images, num_colours, PALETTE_SEED, space).numpy(),
        lambda array: array.shape == (num_colours, space.channels) and array.dtype == np.float32,
    )
    return torch.from_numpy(fitted)


def labelled_split(
    images: Tensor, mapped: bool, palette: Tensor, cache_dir: str | Path, space: Space = RGB, stride: int = 1
) -> LabelledPictures:
    """Pictures, uint8 [N, H, W, 3], with their labels: in memory, or on disk if ``mapped`` is true."""
    if stride > 1:
        return BlockPictures(images, palette, stride, cache_dir, space)
    return LabelledPictures(images, palette, cache_dir if mapped else None, space)


def labelled(
    pictures: Pictures, palette: Tensor, cache_dir: str | Path, space: Space = RGB, stride: int = 1
) -> Labelled:
    """Both splits, with labels at a network's stride."""
    train, validation = (
        labelled_split(split, pictures.mapped, palette, cache_dir, space, stride)
        for split in (pictures.train, pictures.validation)
    )
    return Labelled(pictures, palette, space, train, validation)


def prepared(config: dict[str, Any], pictures: Pictures | None = None, palette: Tensor | None = None) -> Labelled:
    """The labelled pictures of a configuration.

    Args:
        config: resolved knobs; a missing knob, newer than the run, gets the value for older configurations.
        pictures: the pictures of its source, if already read.
        palette: float32 [K, C]; None: the configuration's own.
    """
    config = {**before(), **config}
    pictures = read(config) if pictures is None else pictures
    space, folder = SPACES[config["colour_space"]], config["cache_dir"]
    if palette is None:
        palette = palette_of(pictures.train, config["num_colours"], folder, config["palette"], space)
    found = labelled(pictures, palette, folder, space, stride_of(config))
    sizes = "x".join(map(str, pictures.train.shape[1:3]))
    log.info("%d training and %d validation pictures of %s", len(found.train), len(found.validation), sizes)
    return found


def stride_of(config: dict[str, Any]) -> int:
    """Pixels from one label to the next, for the network of a configuration; 1 for networks without a stride."""
    stride = config["model"].get("stride", 1)
    return stride if isinstance(stride, int) and stride > 1 else 1


def fingerprint(pictures: Pictures, palette: Tensor, space: Space = RGB) -> str:
    """20 hex digits that identify the pictures' bytes and order, the palette, float32 [K, C], and its space."""
    arrays = pictures.train, pictures.validation, palette.float()
    return digest(*(array.numpy() for array in arrays), *_part(space))


def _mapped_labels(images: Tensor, palette: Tensor, folder: str | Path, space: Space) -> Tensor:
    """``palette.quantize`` with the result on disk: memory-mapped labels [N, H, W]."""
    dtype = np.uint8 if len(palette) <= LEVELS else np.int16
    parts = (part.numpy() for part in palettes.quantized(images, palette, space))
    key = digest("labels", images.numpy(), palette.numpy(), *_part(space))
    stream = Stream(tuple(images.shape[:-1]), dtype, parts)
    (labels,) = cached(folder, f"labels-{key}", [".npy"], lambda: [stream], mapped=True)
    return torch.from_numpy(labels)


def _part(space: Space) -> list[str]:
    """The space as a part of a digest. Empty for rgb, so that digests from before the other spaces stay valid."""
    return [] if space is RGB else [space.name]
