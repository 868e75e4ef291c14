"""Contestants of training: each is built once, in its own process, and returns the figures of a turn when called."""

import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from benchmarks import plain_loop
from colourize.config.compose import plain, register
from colourize.config.folder import conf_dir
from colourize.config.instantiate import builder
from colourize.errors import InputError
from colourize.kernels import allocator, rows
from colourize.runs.run_folder import claim
from colourize.tasks.colourization import building
from colourize.tasks.colourization.data import ColourData, load
from colourize.tasks.colourization.module import Colourizer, pixel_cross_entropy
from colourize.tasks.colourization.task import TASK
from colourize.training import fit as fit_file
from colourize.training import fused, without_gpu
from colourize.training.compilation import compiled
from colourize.training.epoch_table import EpochTable
from colourize.training.task import Fitted
from colourize.training.trainer import callbacks_of, trainer_of

Figures = dict[str, float]
Turn = Callable[[], Figures]
SEEDS = range(100, 1000)  # not the seeds on which the speedrun was tuned


def knobs(*words: str) -> dict[str, Any]:
    """The configuration from overrides of the command line, on the CPU by default."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    register()
    GlobalHydra.instance().clear()
    device = [] if any(word.startswith("accelerator=") for word in words) else ["accelerator=cpu"]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return plain(compose("config", [*words, *device]))


def loaded(config: dict[str, Any]) -> ColourData:
    """The data of a run, without the floors, which would take longer than the measured part."""
    data = load(config)
    data.yardstick = SimpleNamespace(table_loss=1.0)
    return data


def built(config: dict[str, Any], data: ColourData) -> Colourizer:
    """The module of a run."""
    return fit_file.seeded(TASK, config, data)


def trainer(config: dict[str, Any], folder: Path) -> pl.Trainer:
    """The Trainer of a run with all its callbacks."""
    table = EpochTable(folder / "metrics.csv", TASK.metrics)
    return trainer_of(config, folder, callbacks_of(TASK, config, folder, table))


def arrays(data: ColourData) -> tuple[plain_loop.Arrays, plain_loop.Arrays]:
    """The training and validation data of the plain loop."""
    found, palette = data.pictures.pictures, data.pictures.palette.numpy()
    training, validation = (plain_loop.arrays(split.numpy(), palette) for split in (found.train, found.validation))
    return training, validation


def _device(config: dict[str, Any]) -> torch.device:
    return torch.device("cuda" if config["accelerator"] == "gpu" else "cpu")


def _now() -> float:
    """The time in seconds, after all pending work of a GPU."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def _plain(config: dict[str, Any]) -> plain_loop.Network:
    name = config["model"]["_target_"].split(".")[2]
    if config["kernel"] != 3 or config["precision"] != "32-true":
        raise InputError("the course's loop has kernel 3 and single precision; leave kernel= and precision= out")
    return plain_loop.Network(name, config["num_filters"], config["num_colours"]).to(_device(config))


class Stopwatch(Callback):
    """Records when training, validation and the epoch end; must be the first callback."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = _now()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.trained = _now()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.end = _now()


def colourize_epoch(*words: str) -> Turn:
    """An epoch of ``colourize``: Lightning, metrics, callbacks, progress bar, validation, pictures and checkpoints."""
    allocator.keep()
    config = knobs(*words, "max_epochs=1")
    data = loaded(config)
    module = built(config, data)
    data.move(_device(config))
    if config["compile"]:
        module.compiled = compiled(*building.trial(module, data))
    module.fused = fit_file.fuses(config, _device(config), module)

    def turn() -> Figures:
        with tempfile.TemporaryDirectory() as folder, without_gpu.known(), fused.norms(module.tuned(), module.fused):
            watch, its_trainer = Stopwatch(), trainer(config, Path(folder))
            its_trainer.callbacks.insert(0, watch)
            its_trainer.fit(module, data)
        trained = watch.trained - watch.start
        return {"step": trained / len(data.train_dataloader()), "trained": trained, "epoch": watch.end - watch.start}

    return turn


def plain_epoch(*words: str) -> Turn:
    """An epoch of the course's loop, with its validation."""
    config = knobs(*words)
    training, validation = arrays(loaded(config))
    network = _plain(config)
    optimizer = torch.optim.Adam(network.parameters(), lr=config["lr"])

    def turn() -> Figures:
        start = _now()
        plain_loop.train_epoch(network, optimizer, training, config["batch_size"])
        trained = _now()
        plain_loop.validate(network, validation, config["batch_size"])
        steps = -(-len(training[0]) // config["batch_size"])
        return {"step": (trained - start) / steps, "epoch": _now() - start}

    return turn


def limit_epoch(*words: str) -> Turn:
    """The same forward and backward pass on tensors in memory: no data loading, metrics or Lightning."""
    allocator.keep()
    config = knobs(*words)
    if config["precision"] not in ("32-true", "bf16-mixed"):
        raise InputError(f"precision={config['precision']}: the limit knows 32-true and bf16-mixed; pass one of these")
    data = loaded(config)
    module = built(config, data).to(_device(config))
    network = module.model.network
    optimizer = builder("optimizer", config["optimizer"])(network.parameters())
    training, validation = (
        [tuple(part.to(module.device) for part in batch) for batch in loader]
        for loader in (data.train_dataloader(), data.val_dataloader())
    )
    mixed = torch.autocast(module.device.type, torch.bfloat16, enabled=config["precision"] == "bf16-mixed")

    in_one_pass = fit_file.fuses(config, _device(config), module)

    def loss(batch: tuple[Tensor, ...]) -> Tensor:
        with mixed:
            logits = network(batch[0])
        if in_one_pass and rows.suits(logits):
            return (rows.cross_entropy if network.training else rows.evaluated)(logits, batch[1])[0]
        return pixel_cross_entropy(logits, batch[1])

    def turn() -> Figures:
        start = _now()
        network.train()
        with without_gpu.known(), fused.norms(network, in_one_pass):
            for batch in training:
                optimizer.zero_grad()
                loss(batch).backward()
                optimizer.step()
        trained = _now()
        network.eval()
        with torch.no_grad():
            for batch in validation:
                loss(batch)
        return {"step": (trained - start) / len(training), "epoch": _now() - start}

    return turn


def plain_result(*words: str) -> Turn:
    """The course's 25 epochs by the plain loop; turn n uses seed n."""
    config = knobs(*words)
    training, validation = arrays(loaded(config))
    seeds = iter(SEEDS)

    def turn() -> Figures:
        torch.manual_seed(next(seeds))
        seconds, loss = plain_loop.train(_plain(config), training, validation, config["batch_size"])
        return {"seconds": seconds, "loss": loss}

    return turn


def colourize_result(*words: str) -> Turn:
    """A fit of ``colourize`` from its first hook to its last row of metrics; turn n uses seed n."""
    seeds = iter(SEEDS)

    def turn() -> Figures:
        with tempfile.TemporaryDirectory() as folder:
            fitted = fit(knobs(*words, f"seed={next(seeds)}"), Path(folder))
            row = fitted.table.rows[-1]
            return {"seconds": row["seconds"], "loss": row["val/loss"], "epochs": float(len(fitted.table.rows))}

    return turn


def fit(config: dict[str, Any], folder: Path) -> Fitted[ColourData, Colourizer]:
    """Fits the module of a configuration, without a report."""
    with claim(folder, config, []) as held:
        fitted = fit_file.fit(TASK, config, folder, held)
        held.end()
    return fitted


warnings.filterwarnings("ignore")  # Lightning's advice
for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
    logging.getLogger(name).setLevel(logging.WARNING)
