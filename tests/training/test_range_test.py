"""``lr=auto``: the rule on known curves, and no trace in the run."""

import json
import logging
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.errors import InputError
from colourize.runs import checkpoint
from colourize.tasks.chosen import train
from colourize.tasks.colourization.module import Colourizer
from colourize.training import range_test
from tests.faults.states import assert_identical

pytestmark = pytest.mark.usefixtures("no_figures")


def test_rates_grow_in_equal_ratios():
    tried = range_test.rates(8)
    assert tried[0] == 1e-6 and tried[-1] == pytest.approx(10)
    assert [b / a for a, b in pairwise(tried)] == pytest.approx([10] * 7)


def test_the_moving_average_of_a_constant_is_the_constant():
    assert range_test.smoothed([3.0] * 20) == pytest.approx([3.0] * 20)


def test_the_rate_is_the_one_half_way_down():
    """A loss that falls evenly from 1e-4 to 1e-2 and then rises; the moving average lags by about nine steps."""
    tried = range_test.rates()
    losses = [3 - 2 * min(1.0, max(0.0, (i - 28) / 28)) + max(0.0, (i - 57) / 5) for i in range(80)]
    assert tried[42] <= range_test.chosen(tried[:80], losses) <= tried[42 + 9]


def test_of_a_network_that_is_already_good_it_is_a_tenth_of_the_rate_from_which_the_loss_rises():
    tried = range_test.rates()
    losses = [1 + 0.01 * (-1) ** i + max(0.0, (i - 57) / 5) for i in range(70)]
    assert 5e-4 <= range_test.chosen(tried[:70], losses) <= 2e-3


def test_the_noise_of_the_average_is_that_of_its_weights():
    random = np.random.default_rng(0)
    losses = random.normal(3.4, 0.17, 20_000).tolist()
    assert range_test.noise(losses) == pytest.approx(np.std(range_test.smoothed(losses)[100:]), rel=0.05)
    assert range_test.noise([1.0]) == 0


def test_noisy_batches_do_not_lower_the_rate_of_a_network_that_is_already_good():
    """A loss with a noise of 5 %, as of the shipped network on batches of 16, that rises from 1e-2 on; once a lucky
    second batch made its rate 1e-7."""
    tried, found = range_test.rates(), []
    rise = [0.5 * max(0.0, math.log10(rate / 1e-2)) ** 1.5 for rate in tried[:80]]
    for seed in range(200):
        losses = (3.4 + np.array(rise) + np.random.default_rng(seed).normal(0, 0.17, 80)).tolist()
        found.append(range_test.chosen(tried[:80], losses))
    assert np.quantile(found, 0.05) > 1e-3 and max(found) < 1.5e-2
    assert range_test.chosen(tried[:80], [3.4 + each for each in rise]) == pytest.approx(3.5e-3, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["augment=flips", "augment.noise=0.1", "scheduler=onecycle", "ema=0.9"],
        ["precision=bf16-mixed", "trainer.gradient_clip_val=1", "optimizer=adamw", "optimizer.fused=false"],
        ["precision=64-true", "optimizer=sgd", "hints=true", "model=resunet_small"],
        ["freeze=1", "lr_scale={scores: 3}", "model=unet", "trainer.gradient_clip_algorithm=value",
         "trainer.gradient_clip_val=1"],
    ],
    ids=str,
)  # fmt: skip
def test_a_run_has_the_same_bits_as_with_the_found_rate_given_by_hand(words, quick, tmp_path):
    train(quick("lr=auto", *words), tmp_path / "auto")
    contents = checkpoint.read(tmp_path / "auto/checkpoints/last.ckpt")
    rate = contents["config"]["lr"]
    assert contents["config"]["optimizer"]["lr"] == rate > 0
    stored = json.loads((tmp_path / "auto/run.json").read_text())
    assert stored["config"]["lr"] == rate
    train(quick(f"lr={rate!r}", *words), tmp_path / "given")
    assert_identical(tmp_path / "auto", tmp_path / "given")
    assert stored["config_hash"] == json.loads((tmp_path / "given/run.json").read_text())["config_hash"]
    with Image.open(tmp_path / "auto" / range_test.PICTURE) as curve:
        assert curve.width > 300
    assert not (tmp_path / "given" / range_test.PICTURE).exists()


@pytest.mark.slow
def test_a_resumed_or_finished_run_does_not_search_again(quick, tmp_path, monkeypatch):
    metrics = train(quick("lr=auto", "max_epochs=1"), tmp_path / "run")
    monkeypatch.setattr(range_test, "found", None)
    assert train(quick("lr=auto", "max_epochs=1"), tmp_path / "run") == metrics
    assert train(quick("lr=auto"), tmp_path / "run")["epoch"] == 1
    contents = checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")
    train(quick("lr=auto", "max_epochs=3", f"ckpt_path={tmp_path / 'run/checkpoints/last.ckpt'}"), tmp_path / "forked")
    forked = checkpoint.read(tmp_path / "forked/checkpoints/last.ckpt")
    assert forked["config"]["lr"] == contents["config"]["lr"]


def test_a_network_without_weights_keeps_the_default(quick, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(quick("lr=auto", "model=lookup"), tmp_path / "run")
    assert checkpoint.read(tmp_path / "run/checkpoints/last.ckpt")["config"]["lr"] == 0.001
    assert "lr=auto: the network has nothing to train; lr=0.001" in caplog.text


def test_a_loss_that_is_never_finite_is_named(quick, tmp_path, monkeypatch):
    original = Colourizer.training_step

    def training_step(self, batch, batch_idx):
        return {"loss": original(self, batch, batch_idx)["loss"] * torch.nan}

    monkeypatch.setattr(Colourizer, "training_step", training_step)
    with pytest.raises(InputError, match="^lr=auto: the loss is not finite at the rate 1e-06; pass a number"):
        train(quick("lr=auto"), tmp_path / "run")


@pytest.mark.slow
def test_the_found_rate_lets_a_small_network_learn(quick, tmp_path):
    """On drawn landscapes, against rates a hundred times smaller and larger."""
    words = "model=unet", "data.num_train=64", "num_filters=8", "max_epochs=4"
    found = train(quick(*words, "lr=auto"), tmp_path / "auto")["train/loss"]
    rate = checkpoint.read(tmp_path / "auto/checkpoints/last.ckpt")["config"]["lr"]
    assert found < train(quick(*words, f"lr={rate / 100}"), tmp_path / "small")["train/loss"]
