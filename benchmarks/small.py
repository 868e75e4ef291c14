"""Small contestants: labels, the guard, pictures from disk. Built and called like those in ``contestants``."""

import itertools
import math
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

from benchmarks import plain_loop
from benchmarks.contestants import Figures, Turn, built, fit, knobs, loaded, trainer
from colourize.colour import kmeans
from colourize.colour import palette as palettes
from colourize.config.instantiate import builder
from colourize.data.labelled import labelled, palette_of, read
from colourize.data.scenes import load
from colourize.tasks.colourization.module import pixel_cross_entropy


def guard(*words: str) -> Turn:
    """A training step without Lightning, and the check of its loss and gradients."""
    config = knobs(*words)
    data = loaded(config)
    module = built(config, data)
    optimizer = builder("optimizer", config["optimizer"])(module.parameters())
    with tempfile.TemporaryDirectory() as folder:
        module.trainer = trainer(config, Path(folder))
    grey, labels = next(iter(data.train_dataloader()))

    def turn() -> Figures:
        start = time.perf_counter()
        loss = pixel_cross_entropy(module.model.network(grey), labels)
        optimizer.zero_grad()
        loss.backward()
        module.loss = loss.detach()
        looked = time.perf_counter()
        module.on_before_optimizer_step(optimizer)
        stepped = time.perf_counter()
        optimizer.step()
        return {"step": time.perf_counter() - start - (stepped - looked), "guard": stepped - looked}

    return turn


def _labelling(quantize: Callable[[torch.Tensor, torch.Tensor], object]) -> Callable[[], float]:
    images = load(50_000, 2).train
    palette = kmeans.fit(images[:5_000], 24, 0)

    def turn() -> float:
        start = time.perf_counter()
        quantize(images, palette)
        return time.perf_counter() - start

    return turn


def labels() -> Callable[[], float]:
    """Labels of 50,000 drawn pictures by ``palette.quantize``."""
    return _labelling(palettes.quantize)


def labels_numpy() -> Callable[[], float]:
    """The same labels as in the course: numpy, picture by picture."""
    return _labelling(lambda images, palette: plain_loop.nearest_colours(images.numpy(), palette.numpy()))


def pictures(*words: str) -> Turn:
    """From files to labelled pictures, each part timed; for one turn."""
    config = knobs(*words)

    def turn() -> Figures:
        begin = time.perf_counter()
        found = read(config)
        decoded = time.perf_counter()
        palette = palette_of(found.train, 24, config["cache_dir"])
        fitted = time.perf_counter()
        labelled(found, palette, config["cache_dir"])
        done = time.perf_counter()
        parts = {"decoded": decoded - begin, "palette": fitted - decoded, "labels": done - fitted}
        return {**parts, "whole": done - begin, "peak MB": _status("VmHWM")}

    return turn


def files(folder: str, count: str, pictures: str) -> Turn:
    """``count`` files below ``folder``: the real training pictures under several names, or drawn ones."""

    def turn() -> Figures:
        _many(Path(folder) / count / "pictures", int(count), Path(pictures) if pictures else None)
        return {}

    return turn


def mapped(folder: str, count: str) -> Turn:
    """Decodes ``files``, and trains an epoch of a network of 4 filters on memory-mapped pictures; for one turn.

    The main figure is anonymous memory, which the system cannot reclaim without swapping. Pages of a mapped file also
    count as resident, but the system drops them when it needs memory.
    """
    root = Path(folder) / count
    words = f"data.root={root / 'pictures'}", f"cache_dir={root / 'cache'}", "data.mapped=true", "num_filters=4"

    def turn() -> Figures:
        with _AnonymousPeak() as peak:
            fitted = fit(knobs("data=folder", *words, "max_epochs=1", "trainer.limit_val_batches=10"), root / "run")
        seconds = len(fitted.data.train) / fitted.table.rows[-1]["images_per_second"]
        return {"epoch": seconds, "peak anonymous MB": peak.most, "peak MB with mapped files": _status("VmHWM")}

    return turn


class _AnonymousPeak:
    """The peak of anonymous memory in a ``with`` block, sampled every 20 ms."""

    def __enter__(self) -> "_AnonymousPeak":
        self.most, self.over = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.over.wait(0.02):
            self.most = max(self.most, _status("RssAnon"))

    def __exit__(self, *raised: object) -> None:
        self.over.set()
        self.thread.join()


def _many(root: Path, count: int, pictures: Path | None) -> None:
    """Creates ``count`` files below ``root``: repeated hard links to the training pictures, or drawn pictures."""
    root.mkdir(parents=True)
    found = sorted(pictures.glob("train/*/*.jpg")) if pictures else []
    if not found:
        for number, picture in enumerate(load(count, 2).train.numpy()):
            Image.fromarray(picture).save(root / f"{number}.png")
    for number, path in zip(range(count), itertools.cycle(found), strict=False):
        copied = root / f"{number}{path.suffix}"
        try:
            copied.hardlink_to(path)
        except OSError:  # another file system
            shutil.copy(path, copied)


def _status(name: str) -> float:
    """A value of /proc/self/status in MB; NaN if the system does not have it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(name))
    except (OSError, StopIteration):
        return math.nan
