"""A small CIFAR-10 archive in the official layout."""

import hashlib
import io
import pickle
import tarfile
from typing import Any

import numpy as np
from torchvision.datasets import CIFAR10

from colourize.data.cifar10 import CLASSES

PER_BATCH = 20
BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def write_archive(root) -> dict[str, np.ndarray]:
    """Writes cifar-10-python.tar.gz with 20 pictures per batch; returns their pictures, uint8 [20, 32, 32, 3]."""
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 256, (PER_BATCH, 32, 32, 3), dtype=np.uint8) for name in BATCHES}
    labels = [number % 10 for number in range(PER_BATCH)]
    files = {
        name: {"data": images.transpose(0, 3, 1, 2).reshape(PER_BATCH, -1), "labels": labels}
        for name, images in pictures.items()
    }
    files["batches.meta"] = {"label_names": list(CLASSES)}
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(root / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name, contents in files.items():
            data = pickle.dumps(contents, protocol=2)
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return pictures


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def attributes(root) -> dict[str, Any]:
    """Attributes of torchvision's class for the archive in ``root``; its URL does not exist."""
    file = root / "cifar-10-python.tar.gz"
    with tarfile.open(file) as members:
        sums = {m.name.rpartition("/")[2]: md5(members.extractfile(m).read()) for m in members.getmembers()}
    return {
        "tgz_md5": md5(file.read_bytes()),
        "train_list": [[name, sums[name]] for name in BATCHES[:5]],
        "test_list": [["test_batch", sums["test_batch"]]],
        "meta": {**CIFAR10.meta, "md5": sums["batches.meta"]},
        "url": (root.parent / "nowhere" / file.name).as_uri(),
    }


def known_archive(root, monkeypatch) -> dict[str, np.ndarray]:
    """As ``write_archive``; torchvision knows the archive by its checksums."""
    pictures = write_archive(root)
    for name, value in attributes(root).items():
        monkeypatch.setattr(CIFAR10, name, value)
    return pictures
