"""Errors before and after a run."""

import errno
import re

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from colourize.errors import InputError
from colourize.runs import checkpoint, manifest
from colourize.tasks.chosen import train
from tests.conftest import QUICK, knobs


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("classes=0.5", "unknown class; pass some of meadow"),
        ("num_colours=9999", "only .* distinct colours"),
        ("palette=missing.npy", "palette=missing.npy: no such file"),
        ("classes=hourse", "classes='hourse': unknown class; pass some of meadow"),
        ("ckpt_path=missing.ckpt", "no such checkpoint"),
        ("precision=33", "precision must be one of 32-true, bf16-mixed, 16-mixed, 64-true, auto, got 33"),
        ("+trainer.foo=1", "trainer.foo=1 is unknown"),
        ("optimizer.weight_decay=-1", "optimizer: Invalid weight_decay value"),
        ("data.num_train=1", "num_train=1 is too small"),
    ],
)
def test_bad_input_is_an_error_that_names_its_value(quick, tmp_path, override, message):
    with pytest.raises(InputError, match=message) as caught:
        train(quick(override), tmp_path / "run")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_an_error_that_names_the_remedy(quick, tmp_path):
    with pytest.raises(InputError, match=r"accelerator=gpu.*pass accelerator=cpu or auto"):
        train(quick("accelerator=gpu"), tmp_path)


def test_a_checkpoint_of_another_configuration_is_not_continued(finished_run, shared_cache, tmp_path):
    last = finished_run / "checkpoints/last.ckpt"
    with pytest.raises(InputError, match="was trained with kernel=3, not 5; pass kernel=3"):
        train(knobs(*QUICK, f"ckpt_path={last}", "kernel=5", f"cache_dir={shared_cache}"), tmp_path)


def test_resume_command_with_another_palette_is_refused(picture_folder, tmp_path):
    """Otherwise one palette would give the labels, and another the decoded colours."""
    np.save(tmp_path / "p.npy", np.random.default_rng(0).random((4, 3)).astype(np.float32))
    settings = ["data=folder", f"data.root={picture_folder}", "image_size=8", "num_colours=4", "num_filters=2",
                f"cache_dir={tmp_path / 'cache'}", f"palette={tmp_path / 'p.npy'}"]  # fmt: skip
    train(knobs(*settings, "max_epochs=1"), tmp_path / "first")
    np.save(tmp_path / "p.npy", np.load(tmp_path / "p.npy")[::-1])
    last = tmp_path / "first/checkpoints/last.ckpt"
    with pytest.raises(InputError, match="was trained on other pictures or another palette"):
        train(knobs(*settings, "max_epochs=2", f"ckpt_path={last}"), tmp_path / "second")


def test_a_run_without_validation_is_refused(quick, tmp_path):
    with pytest.raises(InputError, match=r"trainer.limit_val_batches must be a number of batches >= 1.*, got 0"):
        quick("trainer.limit_val_batches=0")
    with pytest.raises(InputError, match="left no epoch with a validation"):
        train({**quick(), "trainer": {"limit_val_batches": 0}}, tmp_path)


@pytest.mark.parametrize(
    ("accelerator", "found"),
    [
        ("cpu", "accelerator=cpu"),
        pytest.param(
            "auto", "accelerator=auto, which finds none",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)  # fmt: skip
def test_an_unsupported_precision_is_refused(quick, tmp_path, accelerator, found):
    messages = f"^precision=16-mixed requires a GPU, got {found}; pass precision=auto$"
    with pytest.raises(InputError, match=messages):
        train(quick("precision=16-mixed", "optimizer.fused=false", f"accelerator={accelerator}"), tmp_path)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "64-true"])
def test_run_json_names_the_precision_that_lightning_used(quick, tmp_path, monkeypatch, precision):
    used, original = [], pl.Trainer.fit
    monkeypatch.setattr(pl.Trainer, "fit", lambda self, *a, **k: (used.append(self.precision), original(self, *a, **k)))
    train(quick(f"precision={precision}", "max_epochs=1"), tmp_path)
    assert used == [precision] == [manifest.read(tmp_path)["config"]["precision"]]


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (["augment.shift=8"], "augment.shift must be <= 7 for pictures of 8x8 pixels, got 8"),
        (["augment.mix=0.5", "batch_size=1"],
         "batch_size must be >= 2 with augment.mix=0.5, got 1"),
    ],
)  # fmt: skip
def test_an_augmentation_that_does_not_fit_is_refused(quick, tmp_path, words, messages):
    with pytest.raises(InputError, match=f"^{re.escape(messages)}$"):
        train(quick("augment=flips", *words), tmp_path)
    train(quick("augment=flips", "augment.shift=7", "augment.mix=0.5", "max_epochs=1"), tmp_path / "most")


@pytest.mark.parametrize("name", ["limit_train_batches", "limit_val_batches"])
def test_a_share_that_leaves_no_batch_names_the_least_share(quick, tmp_path, name):
    with pytest.raises(InputError, match=rf"^trainer\.{name}=0.01 leaves none of \d batches; pass ") as caught:
        train(quick(f"trainer.{name}=0.01"), tmp_path / "none")
    least = re.search(r"pass (\S+) or more", str(caught.value))[1]
    train(quick(f"trainer.{name}={float(least)}", "max_epochs=1"), tmp_path / "one")


def test_a_run_with_nothing_left_to_train_is_refused(finished_run, shared_cache, tmp_path):
    last = finished_run / "checkpoints/last.ckpt"
    with pytest.raises(
        InputError, match="max_epochs=2 leaves nothing to train.*2 finished epochs; pass max_epochs=3 or more"
    ):
        train(knobs(*QUICK, f"ckpt_path={last}", f"cache_dir={shared_cache}"), tmp_path)


def test_a_loader_worker_that_was_lost_before_torch_noticed_is_not_a_full_disk(quick, tmp_path, monkeypatch):
    def lost(*_, **__):
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(pl.Trainer, "fit", lost)
    with pytest.raises(InputError, match=r"^DataLoader worker \(pid unknown\) was lost: Connection reset by peer$"):
        train(quick(), tmp_path / "run")
    assert manifest.read(tmp_path / "run")["status"] == "failed"


@pytest.mark.parametrize("config", [[1], "x", None, {"lr": "auto"}])
def test_a_checkpoint_with_a_damaged_configuration_is_refused_in_one_line(finished_run, shared_cache, tmp_path, config):
    contents = checkpoint.read(finished_run / "checkpoints/last.ckpt")
    torch.save({**contents, "config": config}, tmp_path / "damaged.ckpt")
    with pytest.raises(InputError, match="damaged.ckpt: config (must be a dictionary|lacks)") as caught:
        train(knobs(*QUICK, f"ckpt_path={tmp_path}/damaged.ckpt", f"cache_dir={shared_cache}"), tmp_path / "run")
    assert "\n" not in str(caught.value)
