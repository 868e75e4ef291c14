"""Pictures on which an export is checked: those of its run if they are available, otherwise drawn ones."""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from colourize import files
from colourize.colour.spaces import SPACES
from colourize.config.options import option
from colourize.data import scenes
from colourize.data.labelled import read
from colourize.data.read import UnreadablePicture, extensions, read_rgb
from colourize.errors import InputError
from colourize.inference.predictor import Card, Floats

MOST, WIDEST = 16, 2  # pictures; the longer side, as a multiple of the shorter
LOOKED_AT = 20_000  # files of a folder, so that a large folder does not take minutes
Picture = NDArray[np.uint8]


class Chosen(NamedTuple):
    """RGB pictures, uint8 [H, W, 3] each, and a description of them."""

    pictures: Sequence[Picture]
    words: str


def chosen(config: dict[str, Any], size: int, given: bool = False) -> Chosen:
    """Up to sixteen pictures of a run, in a random but fixed order.

    Args:
        config: of the run; ``data`` is its source, and ``root`` in it the pictures' present folder.
        size: the shorter side of pictures from a folder, in pixels.
        given: whether the user named the pictures: then it is an error if they cannot be read.

    Raises:
        InputError: the pictures that the user named cannot be read.
    """
    node = config["data"]
    try:
        return _of_source(node, size)
    except (InputError, OSError):
        if given:
            raise
    drawn = scenes.load(num_train=2, num_validation=MOST, image_size=max(8, size)).validation
    words = "drawn pictures, because those of the run were not found (pass their folder by data.root=DIR)"
    return Chosen(_varied(list(drawn.numpy())), words)


def _of_source(node: dict[str, Any], size: int) -> Chosen:
    """Validation pictures of a source; from a folder only some files are read."""
    name = option(node["_target_"], "data")
    if name != "folder":
        node = {**node, "download": False} if name == "cifar10" else node
        found = read({"data": node}).validation
        return Chosen(
            _varied([found[index].numpy() for index in _spread(range(len(found)), MOST)]), f"pictures of {name}"
        )
    root = files.expanded(str(node.get("root")))
    if pictures := _of_folder(root, size):
        return Chosen(_varied(pictures), f"pictures of {root.name or root}")
    raise InputError(f"data.root={root} holds no picture that can be read; pass another folder")


def _of_folder(root: Path, size: int) -> list[Picture]:
    names = sorted(itertools.islice(_picture_files(root), LOOKED_AT))
    test = [name for name in names if Path(name).relative_to(root).parts[0].lower() in ("test", "val", "validation")]
    found = []
    for name in _spread(test or names, 2 * MOST):
        try:
            found.append(_scaled(read_rgb(Path(name), at_least=size), size))
        except UnreadablePicture:
            continue
    return _spread(found, MOST)


def _picture_files(root: Path) -> Iterator[str]:
    known = extensions()
    for folder, _, names in os.walk(root):
        yield from (os.path.join(folder, name) for name in names if os.path.splitext(name)[1].lower() in known)


def _scaled(image: Image.Image, size: int) -> Picture:
    """The picture with a shorter side of ``size`` pixels, and a longer one of at most twice that."""
    scale = size / min(image.size)
    width, height = (min(max(1, round(side * scale)), WIDEST * size) for side in image.size)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def _spread(values: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` of the values, evenly spread."""
    if len(values) <= most:
        return list(values)
    return [values[round(index)] for index in np.linspace(0, len(values) - 1, most)]


def _varied(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures in a fixed random order. Every second one loses its lower third, to test several sizes."""
    arrays = [pictures[index] for index in np.random.default_rng(0).permutation(len(pictures))]
    return [array[: -(-len(array) * 2 // 3)] if index % 2 else array for index, array in enumerate(arrays)]


def batches(pictures: Iterable[Picture], card: Card) -> list[Floats]:
    """The network's inputs, float32 [N, 1, h, w]: sides cut to multiples, pictures of one size in one batch."""
    groups: dict[tuple[int, ...], list[Picture]] = {}
    for picture in pictures:
        height, width = (max(1, side // card.multiple) * card.multiple for side in picture.shape[:2])
        below, right = (max(0, wanted - side) for wanted, side in zip((height, width), picture.shape[:2], strict=True))
        whole = np.pad(picture, ((0, below), (0, right), (0, 0)), mode="edge")[:height, :width]
        groups.setdefault(whole.shape, []).append(whole)
    space = SPACES[card.space]
    return [space.lightness(torch.from_numpy(np.stack(group))).numpy() for group in groups.values()]
