"""What is refused before, and told after, a run."""

import errno

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from colourize import manifest
from colourize.errors import InputError
from colourize.train import train
from tests.conftest import QUICK, knobs


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("classes=0.5", "unknown class; pass some of meadow"),
        ("num_colours=9999", "only .* distinct colours"),
        ("palette=missing.npy", "palette=missing.npy: no such file"),
        ("classes=hourse", "classes='hourse': unknown class; pass some of meadow"),
        ("ckpt_path=missing.ckpt", "no such checkpoint"),
        ("precision=33", "precision=33 is unknown; pass one of 32-true"),
        ("+trainer.foo=1", "foo=1.*unexpected keyword argument 'foo'"),
        ("optimizer.weight_decay=-1", "optimizer: Invalid weight_decay value"),
        ("data.num_train=1", "num_train=1 is too small"),
    ],
)
def test_bad_input_is_told_with_its_value(quick, tmp_path, override, message):
    with pytest.raises(InputError, match=message) as caught:
        train(quick(override), tmp_path / "run")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_with_the_remedy(quick, tmp_path):
    with pytest.raises(InputError, match=r"accelerator=gpu.*pass accelerator=cpu or auto"):
        train(quick("accelerator=gpu"), tmp_path)


def test_a_checkpoint_of_another_configuration_is_not_continued(finished_run, tmp_path):
    last = finished_run / "checkpoints/last.ckpt"
    with pytest.raises(InputError, match="was trained with kernel=3, not 5; pass kernel=3"):
        train(knobs(*QUICK, f"ckpt_path={last}", "kernel=5", f"cache_dir={finished_run / 'cache'}"), tmp_path)


def test_going_on_with_another_palette_is_refused(picture_folder, tmp_path):
    """The labels would be made with one palette, the checkpoint decode with another."""
    np.save(tmp_path / "p.npy", np.random.default_rng(0).random((4, 3)).astype(np.float32))
    settings = ["data=folder", f"data.root={picture_folder}", "image_size=8", "num_colours=4", "num_filters=2",
                f"cache_dir={tmp_path / 'cache'}", f"palette={tmp_path / 'p.npy'}"]  # fmt: skip
    train(knobs(*settings, "max_epochs=1"), tmp_path / "first")
    np.save(tmp_path / "p.npy", np.load(tmp_path / "p.npy")[::-1])
    last = tmp_path / "first/checkpoints/last.ckpt"
    with pytest.raises(InputError, match="was trained on other pictures or another palette"):
        train(knobs(*settings, "max_epochs=2", f"ckpt_path={last}"), tmp_path / "second")


def test_a_run_without_validation_is_refused(quick, tmp_path):
    with pytest.raises(InputError, match="left no epoch with a validation"):
        train(quick("+trainer.limit_val_batches=0"), tmp_path)


def test_a_limit_that_leaves_no_batch_is_told_in_one_line(quick, tmp_path):
    with pytest.raises(
        InputError, match=r"limit_train_batches': 0.01.*requested to check 0.01 of the `train_dataloader`"
    ):
        train(quick("+trainer.limit_train_batches=0.01"), tmp_path)


def test_nothing_left_to_train_is_said(finished_run, tmp_path):
    last = finished_run / "checkpoints/last.ckpt"
    with pytest.raises(
        InputError, match="max_epochs=2 leaves nothing to train.*2 epochs behind it; pass max_epochs=3 or more"
    ):
        train(knobs(*QUICK, f"ckpt_path={last}", f"cache_dir={finished_run / 'cache'}"), tmp_path)


def test_a_loader_worker_that_was_lost_before_torch_noticed_is_no_full_disk(quick, tmp_path, monkeypatch):
    def lost(*_, **__):
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(pl.Trainer, "fit", lost)
    with pytest.raises(InputError, match=r"^DataLoader worker \(pid unknown\) was lost: Connection reset by peer$"):
        train(quick(), tmp_path / "run")
    assert manifest.read(tmp_path / "run")["status"] == "failed"
