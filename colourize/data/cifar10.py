"""CIFAR-10 through torchvision (Krizhevsky 2009): 50,000 training and 10,000 test pictures of 32x32 in ten classes."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor
from torchvision.datasets import CIFAR10

from colourize.config import knobs
from colourize.data.classes import check_validation_classes, selected_classes
from colourize.data.pictures import Pictures, held_out
from colourize.errors import InputError, one_line
from colourize.files import expanded, looked_at
from colourize.private.rich import raw

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TIMEOUT = 60.0  # seconds without data after which a download fails


def load(
    root: str | Path,
    classes: Any = "horse",
    image_size: int = 32,
    holdout: float = 0.0,
    validation_classes: Any = None,
    download: bool = True,
) -> Pictures:
    """The pictures of the chosen classes. The test split validates, or the share ``holdout`` of the training split.

    ``validation_classes`` are the classes of the test split; None: the same as ``classes``.

    Downloads the archive into ``root`` if it is missing there. ``download=False`` writes nothing.

    Raises:
        InputError: an unknown class, ``image_size`` other than 32, or a missing archive that cannot be downloaded.
    """
    if image_size != 32:
        raise InputError(f"image_size={image_size}, but CIFAR-10 contains 32x32 pictures; pass image_size=32")
    knobs.check_ranges(holdout=holdout)
    check_validation_classes(validation_classes, holdout)
    chosen = selected_classes(classes, CLASSES)
    validate = chosen if validation_classes is None else selected_classes(validation_classes, CLASSES)
    train = _split(root, True, chosen, download)
    if holdout:
        validates = torch.from_numpy(held_out([picture.numpy().tobytes() for picture in train], holdout))
        return Pictures(train[~validates], train[validates])
    return Pictures(train, _split(root, False, validate, download))


class _Cifar10(CIFAR10):
    def _load_meta(self) -> None:
        """Does nothing: we know the names of the classes, and torchvision does not restore a damaged file of names."""


def _split(root: str | Path, train: bool, chosen: list[int], download: bool) -> Tensor:
    try:
        dataset = _dataset(expanded(root), train, download)
    except (OSError, RuntimeError, EOFError, HTTPException) as error:
        raise InputError(
            f"CIFAR-10 is not in data.root={root}{looked_at(expanded(root))} and could not be fetched from "
            f"{CIFAR10.url} and unpacked ({_cause(error)}); try again later, put cifar-10-python.tar.gz there "
            "yourself, or pass data=scenes, or data=folder data.root=DIR"
        ) from error
    return torch.from_numpy(dataset.data[np.isin(dataset.targets, chosen)])


def _dataset(root: Path, train: bool, download: bool) -> CIFAR10:
    try:
        return _Cifar10(root, train=train)
    except RuntimeError:  # missing or incomplete
        if not download:
            raise InputError(
                f"CIFAR-10 is missing or damaged in {root.absolute()}; nothing is downloaded to a folder that only a "
                "resumed run or a checkpoint names; pass data.root=DIR"
            ) from None
        root.mkdir(parents=True, exist_ok=True)
        # without the lock, jobs that start together would download into one file
        with FileLock(root / ".cifar10.lock"), _timeout(TIMEOUT), redirect_stderr(raw(sys.stderr)):  # tqdm's bar
            return _Cifar10(root, train=train, download=True)


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """A time limit for waiting on the network; torchvision's download has none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _cause(error: Exception) -> str:
    if isinstance(getattr(error, "reason", error), TimeoutError):  # urllib wraps a timeout of the connection
        return f"the server sent nothing for {TIMEOUT:g} s"
    if type(error) is RuntimeError:  # raised by torchvision after download and unpacking
        return "the downloaded file is not the archive: its checksum is wrong"
    return one_line(error)
