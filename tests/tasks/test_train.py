"""A run from its knobs to its metrics and checkpoints."""

import numpy as np
import pytest
import torch

from colourize.config.instantiate import instantiate
from colourize.errors import InputError
from colourize.runs import checkpoint
from colourize.tasks.colourization.train import train
from colourize.training.callbacks import ProgressBar
from tests.conftest import knobs
from tests.faults.states import untimed_rows
from tests.trained import equal, rows, weights


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(quick, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(quick(f"seed={seed}"), tmp_path / name)
    assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not equal(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_metrics_have_one_row_an_epoch_with_the_fixed_columns(finished_run):
    table = rows(finished_run)
    assert [row["epoch"] for row in table] == ["0", "1"]
    assert [row["step"] for row in table] == ["3", "6"]
    for column in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "images_per_second"):
        assert all(np.isfinite(float(row[column])) for row in table), column


def test_validation_loss_of_the_table_is_that_of_the_checkpoint(finished_run):
    """The mean over validation pixels, computed here from the best checkpoint alone."""
    contents = checkpoint.read(finished_run / "checkpoints/best.ckpt")
    config = contents["config"]
    from colourize.colour.palette import quantize
    from colourize.colour.rgb import grey

    images = instantiate(config["data"]).validation
    model = checkpoint.load(finished_run / "checkpoints/best.ckpt").model
    with torch.no_grad():
        likelihood = model(grey(images)).double().log_softmax(dim=1)
    labels = quantize(images, model.palette).long()
    loss = -likelihood.gather(1, labels[:, None]).mean().item()
    assert loss == pytest.approx(min(float(row["val/loss"]) for row in rows(finished_run)), abs=1e-5)


def test_going_on_from_a_checkpoint_ends_where_an_uninterrupted_run_does(quick, tmp_path):
    train(quick("max_epochs=4"), tmp_path / "whole")
    train(quick("max_epochs=2"), tmp_path / "half")
    last = tmp_path / "half/checkpoints/last.ckpt"
    train(quick("max_epochs=4", f"ckpt_path={last}"), tmp_path / "rest")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "rest"))
    assert untimed_rows(tmp_path / "whole") == untimed_rows(tmp_path / "rest")


@pytest.mark.parametrize("option", ["optimizer=adamw", "optimizer=sgd", "optimizer=rmsprop"])
@pytest.mark.parametrize("scheduler", ["none", "cosine", "onecycle", "warmup", "plateau"])
def test_every_optimizer_and_scheduler_trains(quick, tmp_path, option, scheduler):
    metrics = train(quick(option, f"scheduler={scheduler}", "max_epochs=1"), tmp_path)
    assert np.isfinite(metrics["val/loss"])


def test_bf16_trains_close_to_float32_over_seeds(quick, tmp_path):
    differences = []
    for seed in range(3):
        losses = [
            train(quick(f"precision={precision}", f"seed={seed}"), tmp_path / precision / str(seed))["val/loss"]
            for precision in ("32-true", "bf16-mixed")
        ]
        differences.append(losses[1] / losses[0] - 1)
    assert max(map(abs, differences)) < 0.02


def test_a_schedule_is_not_stretched_on_resumption_but_goes_on_at_its_length(quick, tmp_path):
    settings = ["scheduler=onecycle", "max_epochs=4"]
    train(quick(*settings), tmp_path / "whole")
    last = tmp_path / "whole/checkpoints/last.ckpt"
    with pytest.raises(InputError, match="max_epochs=4, not 6; pass max_epochs=4"):
        train(quick("scheduler=onecycle", "max_epochs=6", f"ckpt_path={last}"), tmp_path / "longer")
    early = tmp_path / "early.ckpt"

    def stop(callback, trainer, *args):
        if trainer.current_epoch == 1:
            trainer.save_checkpoint(early)
            raise EOFError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("colourize.training.callbacks.ExamplePictures.on_train_epoch_end", stop, raising=False)
        with pytest.raises(EOFError):
            train(quick(*settings), tmp_path / "half")
    train(quick(*settings, f"ckpt_path={early}"), tmp_path / "rest")
    rates = [[row["lr"] for row in rows(tmp_path / name)][-2:] for name in ("whole", "rest")]
    assert rates[0] == rates[1]


def test_the_rate_of_an_epoch_is_that_of_its_first_step(quick, tmp_path):
    train(quick("scheduler=cosine", "max_epochs=3"), tmp_path)
    expected = [0.001 * (1 + np.cos(np.pi * epoch / 3)) / 2 for epoch in range(3)]
    assert [float(row["lr"]) for row in rows(tmp_path)] == pytest.approx(expected)


def test_epochs_without_validation_have_empty_cells(quick, tmp_path):
    train(quick("max_epochs=4", "trainer.check_val_every_n_epoch=3", "trainer.enable_progress_bar=false"), tmp_path)
    assert [row["val/loss"] == "" for row in rows(tmp_path)] == [True, True, False, True]


def test_the_second_run_neither_fits_a_palette_nor_decodes(picture_folder, tmp_path, monkeypatch):
    settings = knobs("data=folder", f"data.root={picture_folder}", "image_size=8", "num_colours=4", "max_epochs=1",
                     f"cache_dir={tmp_path / 'cache'}")  # fmt: skip
    train(settings, tmp_path / "first")
    monkeypatch.setattr("colourize.colour.kmeans.fit", None)
    monkeypatch.setattr("colourize.data.folder.read_rgb", None)
    train(settings, tmp_path / "second")
    assert equal(weights(tmp_path / "first"), weights(tmp_path / "second"))


@pytest.mark.real
def test_an_epoch_on_real_horses_beats_the_class_prior(real_pictures, tmp_path):
    """The majority colour of 24 leaves 3.085 nats; one epoch of UNet leaves less, seeing nothing but grey."""
    settings = knobs("model=unet", "data=folder", f"data.root={real_pictures}", "classes=horse", "max_epochs=1",
                     f"cache_dir={tmp_path / 'cache'}")  # fmt: skip
    metrics = train(settings, tmp_path / "run")
    assert metrics["val/loss"] < 2.6
    assert metrics["step"] == 50


def test_a_signal_while_the_bar_s_thread_starts_is_not_hidden_by_another_error():
    class Starting:
        def stop(self):
            raise RuntimeError("cannot join thread before it is started")

    bar = ProgressBar()
    bar.progress = Starting()
    bar._stop_progress()
