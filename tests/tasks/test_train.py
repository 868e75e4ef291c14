"""A run from its knobs to its metrics and checkpoints."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

from colourize.colour.palette import quantize
from colourize.colour.rgb import grey
from colourize.config.instantiate import instantiate
from colourize.errors import InputError
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from colourize.training.progress import ProgressBar
from tests.conftest import knobs
from tests.faults.states import untimed_rows
from tests.trained import equal, rows, validation_loss, weights


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(quick, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(quick(f"seed={seed}"), tmp_path / name)
    assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not equal(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_metrics_have_one_row_per_epoch_with_the_fixed_columns(finished_run):
    table = rows(finished_run)
    assert [row["epoch"] for row in table] == ["0", "1"]
    assert [row["step"] for row in table] == ["3", "6"]
    for row in table:
        assert float(row["lr"]) == 0.001
        assert float(row["train/loss"]) > 0 and float(row["val/loss"]) > 0
        # 24 pictures of 64 pixels train and 12 validate: an accuracy is a whole number of pixels
        for column, pixels in (("train/accuracy", 24 * 64), ("val/accuracy", 12 * 64)):
            assert 0 <= float(row[column]) <= 1
            assert float(row[column]) * pixels == pytest.approx(round(float(row[column]) * pixels), abs=1e-2)
        assert float(row["images_per_second"]) > 0


def test_the_validation_loss_in_the_table_equals_that_of_the_checkpoint(finished_run):
    best = min(float(row["val/loss"]) for row in rows(finished_run))
    assert validation_loss(finished_run, "best") == pytest.approx(best, abs=1e-5)


def test_a_run_from_a_checkpoint_ends_like_an_uninterrupted_run(quick, tmp_path):
    train(quick("max_epochs=4"), tmp_path / "whole")
    train(quick("max_epochs=2"), tmp_path / "half")
    last = tmp_path / "half/checkpoints/last.ckpt"
    train(quick("max_epochs=4", f"ckpt_path={last}"), tmp_path / "rest")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "rest"))
    assert untimed_rows(tmp_path / "whole") == untimed_rows(tmp_path / "rest")


NUM_STEPS = 2
SCHEDULES = {
    "none": partial(lr_scheduler.ConstantLR, factor=1.0),
    "cosine": partial(lr_scheduler.CosineAnnealingLR, T_max=NUM_STEPS),
    "onecycle": partial(lr_scheduler.OneCycleLR, max_lr=0.001, total_steps=NUM_STEPS, pct_start=0.3),
    "warmup": partial(lr_scheduler.LinearLR, start_factor=0.01, total_iters=1),  # a tenth of the steps, one at least
    "plateau": partial(lr_scheduler.ConstantLR, factor=1.0),  # it waits for three validations
}


@pytest.mark.parametrize("option", ["optimizer=adamw", "optimizer=sgd", "optimizer=rmsprop"])
@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_every_optimizer_and_scheduler_makes_the_same_steps_as_torch(quick, tmp_path, option, scheduler):
    """Two explicit steps on all pictures: the training loss before each step, and the validation loss after it."""
    settings = quick(option, f"scheduler={scheduler}", "batch_size=24", "precision=64-true")
    train(settings, tmp_path)
    table = rows(tmp_path)
    palette = load(tmp_path / "checkpoints/last.ckpt").model.palette.float()
    expected = by_hand(settings, palette, SCHEDULES[scheduler])
    for row, (rate, training, validation) in zip(table, expected, strict=True):
        assert float(row["lr"]) == pytest.approx(rate, rel=1e-6)
        assert float(row["train/loss"]) == pytest.approx(training, rel=1e-6)
        assert float(row["val/loss"]) == pytest.approx(validation, rel=1e-6)


def by_hand(settings, palette, schedule):
    """Rate, training loss and validation loss of each step of a plain torch loop on all pictures."""
    pictures = instantiate(settings["data"])
    training, validation = (
        (grey(images).double(), quantize(images, palette).long()) for images in (pictures.train, pictures.validation)
    )
    torch.manual_seed(settings["seed"])
    network = instantiate(settings["model"]).double()
    target, options = settings["optimizer"]["_target_"], dict(settings["optimizer"])
    del options["_target_"]
    optimizer = getattr(torch.optim, target.rpartition(".")[2])(network.parameters(), **options)
    scheduler = schedule(optimizer)
    for _ in range(NUM_STEPS):
        rate = optimizer.param_groups[0]["lr"]
        optimizer.zero_grad()
        loss = F.cross_entropy(network.train()(training[0]), training[1])
        loss.backward()
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            yield rate, loss.item(), F.cross_entropy(network.eval()(validation[0]), validation[1]).item()


@pytest.mark.slow
def test_bf16_trains_close_to_float32_over_seeds(quick, tmp_path):
    differences = []
    for seed in range(3):
        losses = [
            train(quick(f"precision={precision}", f"seed={seed}"), tmp_path / precision / str(seed))["val/loss"]
            for precision in ("32-true", "bf16-mixed")
        ]
        differences.append(losses[1] / losses[0] - 1)
    assert max(map(abs, differences)) < 0.02


def test_a_schedule_keeps_its_length_on_resumption(quick, tmp_path):
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
        patch.setattr("colourize.tasks.colourization.examples.ExamplePictures.on_train_epoch_end", stop, raising=False)
        with pytest.raises(EOFError):
            train(quick(*settings), tmp_path / "half")
    train(quick(*settings, f"ckpt_path={early}"), tmp_path / "rest")
    rates = [[row["lr"] for row in rows(tmp_path / name)][-2:] for name in ("whole", "rest")]
    assert rates[0] == rates[1]


def test_the_rate_of_an_epoch_is_the_rate_of_its_first_step(quick, tmp_path):
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
    monkeypatch.setattr("colourize.data.read_files.read_rgb", None)
    train(settings, tmp_path / "second")
    assert equal(weights(tmp_path / "first"), weights(tmp_path / "second"))


@pytest.mark.slow
@pytest.mark.real
def test_an_epoch_on_real_horses_beats_the_class_prior(real_pictures, tmp_path):
    """The class prior of 24 colours has 3.085 nats; UNet has less after one epoch, from the grey alone."""
    settings = knobs("model=unet", "num_filters=8", "data=folder", f"data.root={real_pictures}", "classes=horse",
                     "max_epochs=1", f"cache_dir={tmp_path / 'cache'}")  # fmt: skip
    metrics = train(settings, tmp_path / "run")
    assert metrics["val/loss"] < 2.6
    assert metrics["step"] == 50


def test_a_signal_while_the_bar_s_thread_starts_is_not_hidden_by_another_error():
    class Starting:
        def stop(self):
            raise RuntimeError("cannot join thread before it is started")

    bar = ProgressBar(("loss",))
    bar.progress = Starting()
    bar._stop_progress()
