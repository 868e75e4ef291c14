"""What is measured. N pictures, K colours."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from benchmarks import plain_loop
from benchmarks.run import interleaved, row
from colourize import train
from colourize.callbacks import EpochTable
from colourize.config import conf_dir, plain, register
from colourize.data.module import ColourData
from colourize.module import Colourizer, pixel_cross_entropy
from colourize.palette import quantize
from colourize.targets import builder

NETWORKS = "convtranspose", "unet", "poolupsample"


def knobs(pictures: str | None, *words: str) -> dict[str, Any]:
    """The course's settings on real horses, or on as many drawn landscapes."""
    from hydra import compose, initialize_config_dir

    register()
    source = [f"data.root={pictures}", "data=folder", "classes=horse"] if pictures else ["data=scenes"]
    count = [] if pictures else ["data.num_train=5000", "data.num_validation=1000"]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return plain(compose("config", [*source, *count, *words]))


def loaded(config: dict[str, Any]) -> ColourData:
    names = "num_colours", "palette", "batch_size", "seed", "cache_dir"
    data = ColourData(builder("data", config["data"]), **{name: config[name] for name in names})
    data.setup()
    return data


class Stopwatch(Callback):
    """Seconds of one epoch, from its first hook to its last, without validation."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds = time.perf_counter() - self.start


def ours(config: dict[str, Any], data: ColourData) -> Callable[[], float]:
    """One epoch of ``colourize``: Lightning, metrics, callbacks, progress bar and checkpoint included."""
    module = train._module(config, data, 1.0, data.fingerprint())

    def epoch() -> float:
        with tempfile.TemporaryDirectory() as folder:
            table, watch = EpochTable(Path(folder) / "metrics.csv"), Stopwatch()
            trainer = train._trainer(config, Path(folder), table, 0)
            trainer.callbacks.append(watch)
            trainer.fit(module, data)
            return watch.seconds

    return epoch


def by_hand(config: dict[str, Any], data: ColourData, arrays: plain_loop.Arrays) -> Callable[[], float]:
    """One epoch of the course's loop."""
    network = builder("model", config["model"])()
    optimizer = torch.optim.Adam(network.parameters(), lr=config["lr"])

    def epoch() -> float:
        start = time.perf_counter()
        plain_loop.train_epoch(network, optimizer, arrays, config["batch_size"])
        return time.perf_counter() - start

    return epoch


def limit(config: dict[str, Any], data: ColourData) -> Callable[[], float]:
    """The same forward and backward on tensors already in memory: no data, no metrics, no Lightning."""
    module: Colourizer = train._module(config, data, 1.0, "")
    optimizer = builder("optimizer", config["optimizer"])(module.parameters())
    batches = list(data.train_dataloader())
    mixed = config["precision"] == "bf16-mixed"

    def epoch() -> float:
        start = time.perf_counter()
        for grey, labels in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                loss = pixel_cross_entropy(module.network(grey), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - start

    return epoch


def step(pictures: str | None, repeats: int) -> Iterator[dict[str, Any]]:
    """Time of a training step, over an epoch of the course's settings."""
    arrays: plain_loop.Arrays | None = None
    for network in NETWORKS:
        quiet = "max_epochs=1", "+trainer.limit_val_batches=0", "+trainer.enable_progress_bar=false"
        config = knobs(pictures, f"model={network}", *quiet)
        data = loaded(config)
        assert data.pictures is not None
        if arrays is None:
            arrays = plain_loop.arrays(data.pictures.train.numpy(), data.palette.numpy())
        mixed = knobs(pictures, f"model={network}", *quiet, "precision=bf16-mixed")
        contestants = {
            "plain loop": by_hand(config, data, arrays),
            "colourize": ours(config, data),
            "limit": limit(config, data),
            "colourize bf16": ours(mixed, data),
            "limit bf16": limit(mixed, data),
        }
        times = interleaved(contestants, repeats)
        scale = 1000 / len(data.train_dataloader())
        yield row(f"step, {network}", times, scale, "ms")
        for suffix in ("", " bf16"):
            pair = {name + suffix: times[name + suffix] for name in ("colourize", "limit")}
            yield row(f"step, {network}, against the limit", pair, scale, "ms")


def guard(pictures: str | None, repeats: int) -> Iterator[dict[str, Any]]:
    """What it costs to look at loss and gradients before every optimizer step, as a share of the step."""
    for network in NETWORKS:
        config = knobs(pictures, f"model={network}")
        data = loaded(config)
        module = train._module(config, data, 1.0, "")
        optimizer = builder("optimizer", config["optimizer"])(module.parameters())
        with tempfile.TemporaryDirectory() as folder:
            module.trainer = train._trainer(config, Path(folder), EpochTable(Path(folder) / "metrics.csv"), 0)
        grey, labels = next(iter(data.train_dataloader()))

        def whole(module: Any = module, optimizer: Any = optimizer, batch: Any = (grey, labels)) -> float:
            start = time.perf_counter()
            loss = pixel_cross_entropy(module.network(batch[0]), batch[1])
            optimizer.zero_grad()
            loss.backward()
            module.loss = loss.detach()
            optimizer.step()
            return time.perf_counter() - start

        def looking(module: Any = module, optimizer: Any = optimizer) -> float:
            start = time.perf_counter()
            module.on_before_optimizer_step(optimizer)
            return time.perf_counter() - start

        times = interleaved({"step": whole, "guard": looking}, 10 * repeats)
        yield row(f"guard against NaN, {network}", times, 1000, "ms")


def labels(pictures: str | None, repeats: int) -> Iterator[dict[str, Any]]:
    """Labels of 50,000 pictures: numpy, one at a time as in the course, and colourize."""
    words = ["classes=all"] if pictures else ["data.num_train=50000", "data.num_validation=10"]
    data = loaded(knobs(pictures, *words))
    assert data.pictures is not None
    images, palette = data.pictures.train[:50_000], data.palette

    def course() -> float:
        start = time.perf_counter()
        plain_loop.nearest_colours(images.numpy(), palette.numpy())
        return time.perf_counter() - start

    def colourize() -> float:
        start = time.perf_counter()
        quantize(images, palette)
        return time.perf_counter() - start

    yield row(f"labels of {len(images)} pictures", interleaved({"numpy": course, "colourize": colourize}, 2))


def start(pictures: str | None, repeats: int) -> Iterator[dict[str, Any]]:
    """Seconds from the command to the end of the first step, with a warm cache, against importing the libraries."""
    source = [f"data.root={pictures}", "data=folder", "classes=horse"] if pictures else ["data=scenes"]
    root = Path(__file__).parent.parent
    first_step = (
        "import os, runpy, sys; from colourize.module import Colourizer; "
        "Colourizer.on_train_batch_end = lambda *args: os._exit(0); "
        f"sys.argv = ['train.py', *sys.argv[1:]]; runpy.run_path({str(root / 'train.py')!r}, run_name='__main__')"
    )

    def timed(*command: str) -> Callable[[], float]:
        def run() -> float:
            with tempfile.TemporaryDirectory() as folder:
                words = [word.replace("FOLDER", folder) for word in command]
                begin = time.perf_counter()
                subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=root)
                return time.perf_counter() - begin

        return run

    contestants = {
        "first step": timed("-c", first_step, *source, "hydra.run.dir=FOLDER/run"),
        "bare imports": timed("-c", "import torch, pytorch_lightning, hydra"),
    }
    yield row("start", interleaved(contestants, repeats))
    yield row("help", interleaved({"colourize --help": timed("train.py", "--help")}, repeats))


SECTIONS: dict[str, Callable[[str | None, int], Iterator[dict[str, Any]]]] = {
    "step": step, "guard": guard, "labels": labels, "start": start,
}  # fmt: skip
