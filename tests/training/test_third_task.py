"""A task of ten lines, a linear regression without pictures, in a whole run."""

import json
import math
import os
import signal
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from colourize.config.instantiate import builder
from colourize.errors import InputError, Interrupted
from colourize.runs import checkpoint
from colourize.training.batches import BatchedData
from colourize.training.module import TrainingModule
from colourize.training.run import train
from colourize.training.task import Task
from tests.conftest import QUICK, knobs
from tests.faults.processes import forked
from tests.faults.states import assert_identical
from tests.interrupting import in_step
from tests.trained import rows, weights

COEFFICIENTS, NOISE = torch.tensor([[2.0], [-1.0], [0.5]]), 0.01


class Line(TrainingModule):
    """y = a x + b, by least squares; the inputs of a step get noise, so that a step uses random numbers."""

    def __init__(self, config, data):
        scheduler = builder("scheduler", config["scheduler"]) if config["scheduler"] else None
        super().__init__(config, builder("optimizer", config["optimizer"]), scheduler)
        self.line = nn.Linear(3, 1)

    def training_step(self, batch, batch_idx):
        inputs, outputs = batch
        loss = F.mse_loss(self.line(inputs + NOISE * torch.randn_like(inputs)), outputs)
        self.loss = loss.detach()
        return {"loss": loss}

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", F.mse_loss(self.line(batch[0]), batch[1]), batch_size=len(batch[0]), logger=False)


def examples(count, seed):
    inputs = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(inputs, inputs @ COEFFICIENTS + 1)


TASK = Task(
    data=lambda knobs: BatchedData(examples(40, 0), examples(10, 1), knobs["batch_size"], knobs["seed"]),
    fingerprint=lambda data: "points on a line",
    module=Line,
)
SETTINGS = "max_epochs=4", "lr=0.1", "save_every=2"  # 20 steps, five per epoch
WORDS = [[], ["ema=0.9", "scheduler=onecycle"], ["scheduler=plateau", "optimizer=sgd", "patience=3"]]


def options(tmp_path, *words):
    return knobs(*QUICK, f"cache_dir={tmp_path / 'cache'}", *SETTINGS, *words)


def test_a_run_leaves_its_table_its_manifest_and_its_checkpoints(tmp_path):
    metrics = train(TASK, options(tmp_path, "max_epochs=20"), tmp_path / "run")
    found = rows(tmp_path / "run")
    assert [row["step"] for row in found] == [str(5 * (1 + epoch)) for epoch in range(20)]
    assert list(found[0])[:4] == ["epoch", "step", "train/loss", "val/loss"]
    assert metrics["val/loss"] == float(found[-1]["val/loss"]) < 0.1 < float(found[0]["val/loss"])
    stored = json.loads((tmp_path / "run/run.json").read_text())
    assert (
        stored["status"] == "finished" and stored["metrics"] == metrics and stored["fingerprint"] == "points on a line"
    )
    torch.testing.assert_close(weights(tmp_path / "run")["line.weight"], COEFFICIENTS.T, atol=0.1, rtol=0)
    best = min(found, key=lambda row: float(row["val/loss"]))
    assert (metrics["best/epoch"], metrics["best/val/loss"]) == (int(best["epoch"]), float(best["val/loss"]))


def test_the_highest_value_decides_if_the_task_says_so(tmp_path):
    upwards = replace(TASK, metrics=replace(TASK.metrics, highest=True))
    metrics = train(upwards, options(tmp_path, "patience=1"), tmp_path / "run")
    first, second = (float(row["val/loss"]) for row in rows(tmp_path / "run"))  # the loss falls, so patience ends it
    assert second < first == metrics["best/val/loss"] and metrics["best/epoch"] == 0
    best = checkpoint.read(tmp_path / "run/checkpoints/best.ckpt")
    assert best["global_step"] == 5 and best["callbacks"]["Resumption"]["best"] == -first


class Unknown(Line):
    """A task whose deciding metric has no value, such as the AP of pictures without boxes."""

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", math.nan, batch_size=len(batch[0]), logger=False)


def test_without_a_value_the_last_epoch_is_the_best(tmp_path):
    train(replace(TASK, module=Unknown), options(tmp_path), tmp_path / "run")
    assert checkpoint.read(tmp_path / "run/checkpoints/best.ckpt")["global_step"] == 20


def test_a_finished_run_is_not_changed(tmp_path, monkeypatch):
    metrics = train(TASK, options(tmp_path), tmp_path / "run")
    monkeypatch.setattr(Line, "__init__", None)
    assert train(TASK, options(tmp_path), tmp_path / "run") == metrics


@pytest.mark.parametrize("words", WORDS)
def test_a_run_interrupted_at_any_batch_ends_in_the_same_bits(tmp_path, words):
    train(TASK, options(tmp_path, *words), tmp_path / "whole")
    for step in (0, 2, 4, 5, 13, 19):
        with pytest.MonkeyPatch.context() as patch:
            in_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM), Line)
            with pytest.raises(Interrupted):
                train(TASK, options(tmp_path, *words), tmp_path / str(step))
        train(TASK, options(tmp_path, *words), tmp_path / str(step))
        assert_identical(tmp_path / "whole", tmp_path / str(step))


def killed_in_step(step, settings, folder):
    in_step(pytest.MonkeyPatch(), step, lambda: os.kill(os.getpid(), signal.SIGKILL), Line)
    train(TASK, settings, folder)


@pytest.mark.slow
def test_a_killed_run_ends_in_the_same_bits(tmp_path):
    settings = options(tmp_path)
    train(TASK, settings, tmp_path / "whole")
    for step in (1, 8):  # before the first save, and after one within an epoch
        process = forked(killed_in_step, step, settings, tmp_path / str(step))
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        train(TASK, settings, tmp_path / str(step))
        assert_identical(tmp_path / "whole", tmp_path / str(step))


def test_a_run_with_other_data_is_refused(tmp_path):
    train(TASK, options(tmp_path, "max_epochs=1"), tmp_path / "run")
    other = replace(TASK, fingerprint=lambda data: "other points")
    with pytest.raises(InputError, match="was trained on other data"):
        train(other, options(tmp_path, "max_epochs=2"), tmp_path / "run")
