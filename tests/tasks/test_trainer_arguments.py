"""The effect of each argument of the Trainer, compared with a plain loop or another run."""

import math

import pytest
import torch
from rich.console import Console

from colourize.config.instantiate import builder, instantiate
from colourize.data.scenes import load
from colourize.errors import InputError
from colourize.model import Model
from colourize.runs import manifest
from colourize.tasks.chosen import train
from colourize.tasks.colourization.module import (
    Colourizer,
    log_probabilities,
    pixel_cross_entropy,
)
from colourize.tasks.colourization.task import TASK
from colourize.training import fit
from colourize.training.batches import Batches
from colourize.training.fit import seeded
from colourize.training.module import group_factor, remedies
from colourize.training.progress import EpochLines, ProgressBar
from colourize.training.trainer import callbacks_of
from tests.colour_data import colour_data
from tests.faults.states import saved, untimed_rows
from tests.trained import equal, rows, weights


@pytest.fixture
def no_batch_norm(monkeypatch):
    monkeypatch.setattr(torch.nn, "BatchNorm2d", torch.nn.Identity)


EXACT = "model=pointwise", "optimizer=sgd", "lr=0.5", "precision=64-true", "optimizer.fused=false"
"""Without batch norm, in float64: a group of batches is one large batch, but for rounding."""


def plain_loop(settings, sizes):
    """Weights and mean losses of a loop over groups of batches; each group is one batch with all its pictures."""
    data = colour_data(load(sum(sizes), 12, image_size=8), settings["cache_dir"], num_colours=4)
    network = seeded(TASK, settings, data).model.network
    optimizer = builder("optimizer", settings["optimizer"])(network.parameters())
    losses = []
    for epoch in range(settings["max_epochs"]):
        (order,) = Batches(sum(sizes), sum(sizes), 0, epoch)
        total = 0.0
        for index in order.split(sizes):
            grey, labels = data.train[index]
            loss = pixel_cross_entropy(network(grey.double()), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        losses.append(total / sum(sizes))
    return network.state_dict(), losses


@pytest.mark.parametrize(
    ("batch_size", "group", "sizes"),
    [(8, 2, (16, 13)), (8, 3, (24, 5)), (8, 10, (29,)), (5, 4, (20, 9)), (29, 1, (29,)), (1, 29, (29,)),
     (4, 3, (12, 12, 5))],
)  # fmt: skip
def test_accumulated_batches_of_any_sizes_equal_one_large_batch(
    quick, no_batch_norm, tmp_path, batch_size, group, sizes
):
    settings = quick(
        *EXACT, "data.num_train=29", f"batch_size={batch_size}", f"trainer.accumulate_grad_batches={group}"
    )
    train(settings, tmp_path / "run")
    expected, losses = plain_loop(settings, sizes)
    state = saved(tmp_path / "run")["state_dict"]
    for name, weight in expected.items():
        torch.testing.assert_close(state[f"model.network.{name}"], weight, rtol=1e-11, atol=1e-13)
    table = rows(tmp_path / "run")
    assert [row["step"] for row in table] == [str(len(sizes)), str(2 * len(sizes))]
    assert [float(row["train/loss"]) for row in table] == pytest.approx(losses, rel=1e-6)


def test_the_parts_of_a_group_sum_to_its_mean():
    """The factors of a group's batches, (pictures of the batch / pictures of the group), sum to one."""
    for num_pictures in (1, 7, 24, 29):
        for batch_size in (1, 3, 8, 30):
            sizes = [min(batch_size, num_pictures - start) for start in range(0, num_pictures, batch_size)]
            for limit in range(1, len(sizes) + 1):
                for group in (2, 3, 40):
                    factors = [
                        group_factor(index, size, batch_size, num_pictures, limit, group)
                        for index, size in enumerate(sizes[:limit])
                    ]
                    for start in range(0, limit, group):
                        assert math.fsum(factors[start : start + group]) / group == pytest.approx(1, rel=1e-14)


def test_full_groups_of_full_batches_keep_lightning_s_factor():
    assert {group_factor(index, 100, 100, 4200, 42, 7) for index in range(42)} == {1.0}


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        (["trainer.limit_train_batches=2"], [2, 4]),
        (["trainer.limit_train_batches=0.34"], [1, 2]),
        (["trainer.limit_train_batches=1.0"], [3, 6]),
        (["trainer.limit_train_batches=2", "trainer.accumulate_grad_batches=2"], [1, 2]),
    ],
)
def test_an_epoch_ends_after_the_given_number_of_batches(quick, tmp_path, words, steps):
    train(quick(*words), tmp_path)
    assert [int(row["step"]) for row in rows(tmp_path)] == steps


def test_a_validation_on_some_batches_is_the_mean_over_their_pictures(quick, tmp_path):
    whole = quick("batch_size=4", "data.num_validation=12")
    train({**whole, "trainer": {"limit_val_batches": 2}}, tmp_path / "some")
    train({**whole, "trainer": {}}, tmp_path / "all")
    assert equal(weights(tmp_path / "some"), weights(tmp_path / "all"))
    module = Colourizer(
        Model(instantiate(whole["model"]), saved(tmp_path / "some")["state_dict"]["model.palette"]), whole
    )
    module.load_state_dict(saved(tmp_path / "some")["state_dict"])
    data = colour_data(instantiate(whole["data"]), whole["cache_dir"], num_colours=4)
    grey, labels = data.validation[torch.arange(8)]
    with torch.no_grad():
        loss = pixel_cross_entropy(module.eval()(grey), labels).item()
    assert float(rows(tmp_path / "some")[-1]["val/loss"]) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(
    ("words", "validations"),
    [
        (["trainer.val_check_interval=1"], 6),
        (["trainer.val_check_interval=0.5"], 6),
        (["trainer.val_check_interval=2", "trainer.check_val_every_n_epoch=null"], 3),
        (["trainer.check_val_every_n_epoch=2"], 1),
    ],
)
def test_validations_have_the_given_frequency(quick, tmp_path, monkeypatch, words, validations):
    seen, original = [], Colourizer.on_validation_epoch_start
    monkeypatch.setattr(Colourizer, "on_validation_epoch_start", lambda self: (seen.append(1), original(self))[1])
    train(quick(*words), tmp_path)
    assert len(seen) == validations


@pytest.mark.parametrize(("word", "epochs"), [("min_epochs=4", 4), ("min_steps=12", 4), ("min_epochs=1", 2)])
def test_patience_does_not_end_a_run_before_its_minimal_length(quick, no_batch_norm, tmp_path, word, epochs):
    """With a tiny rate the loss does not fall in float32, so patience=1 ends the run after two epochs."""
    train(quick("model=pointwise", "lr=1e-30", "max_epochs=6", "patience=1", f"trainer.{word}"), tmp_path)
    assert len(rows(tmp_path)) == epochs


@pytest.mark.parametrize(
    "word",
    ["detect_anomaly=true", "deterministic=true", "deterministic=warn", "reload_dataloaders_every_n_epochs=1",
     "enable_progress_bar=false", "profiler=simple", "profiler=advanced", "profiler=pytorch", "gradient_clip_val=0",
     "gradient_clip_val=1e9"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")  # torch's profiler and anomaly mode warn about themselves
def test_arguments_that_only_observe_do_not_change_the_bits(quick, finished_run, tmp_path, word):
    try:
        train(quick(f"trainer.{word}"), tmp_path / "run")
    finally:
        torch.use_deterministic_algorithms(False)
        torch.autograd.set_detect_anomaly(False)
    assert equal(weights(tmp_path / "run"), weights(finished_run))
    assert untimed_rows(tmp_path / "run") == untimed_rows(finished_run)
    left = [file for file in (tmp_path / "run").glob("fit-profile*") if file.stat().st_size]
    assert bool(left) == word.startswith("profiler")


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_a_step_of_sgd_is_at_most_as_long_as_the_clip(quick, no_batch_norm, tmp_path, algorithm):
    words = [
        *EXACT,
        "optimizer.momentum=0",
        "optimizer.nesterov=false",
        "max_epochs=1",
        "batch_size=24",
        "trainer.gradient_clip_val=1e-3",
    ]
    settings = quick(*words, f"trainer.gradient_clip_algorithm={algorithm}")
    train(settings, tmp_path / "run")
    before, _ = plain_loop({**settings, "max_epochs": 0}, (24,))
    after = saved(tmp_path / "run")["state_dict"]
    moved = torch.cat([(after[f"model.network.{name}"] - weight).flatten() for name, weight in before.items()]) / 0.5
    length = moved.norm() if algorithm == "norm" else moved.abs().max()
    assert length.item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.filterwarnings("ignore:Error detected in:UserWarning")
def test_an_anomaly_is_one_line(quick, tmp_path, monkeypatch):
    """The derivative of a root is infinite at 0."""
    rooted = (
        "colourize.tasks.colourization.module.log_probabilities",
        lambda logits: log_probabilities(logits) + (0 * logits.sum()).sqrt(),
    )
    monkeypatch.setattr(*rooted)
    with pytest.raises(InputError, match=r"trainer.detect_anomaly=true.*returned nan values in its") as caught:
        train(quick("trainer.detect_anomaly=true", "one_pass=false"), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_validation_loss_of_nan_ends_the_run(quick, tmp_path, monkeypatch):
    original, seen = Colourizer.on_validation_epoch_start, []

    def start(self):
        original(self)
        seen.append(1)
        if len(seen) == 2:
            self.sums[0] = math.nan

    monkeypatch.setattr(Colourizer, "on_validation_epoch_start", start)
    message = "the validation loss is nan in epoch 2, with lr=0.001; earlier checkpoints are kept; "
    with pytest.raises(InputError, match=f"^{message}pass a smaller lr or trainer.gradient_clip_val=1$"):
        train(quick("max_epochs=5"), tmp_path)
    assert manifest.read(tmp_path)["status"] == "failed"
    assert [row["epoch"] for row in rows(tmp_path)] == ["0"]
    files = sorted(file.name for file in (tmp_path / "checkpoints").iterdir())
    assert files == ["best.ckpt", "last.ckpt"] and saved(tmp_path)["global_step"] == 3
    monkeypatch.setattr(Colourizer, "on_validation_epoch_start", original)
    train(quick("max_epochs=5"), tmp_path)
    assert len(rows(tmp_path)) == 5


def test_a_floor_s_infinite_loss_does_not_end_the_run(quick, tmp_path, monkeypatch):
    original = Colourizer.on_validation_epoch_start

    def start(self):
        original(self)
        self.sums[0] = math.inf

    monkeypatch.setattr(Colourizer, "on_validation_epoch_start", start)
    train(quick("model=prior", "max_epochs=1"), tmp_path)
    assert manifest.read(tmp_path)["status"] == "finished"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"precision": "32-true", "trainer": {}}, "pass a smaller lr or trainer.gradient_clip_val=1"),
        ({"precision": "64-true", "trainer": {"gradient_clip_val": 1}}, "pass a smaller lr"),
        ({"precision": "bf16-mixed", "trainer": {"gradient_clip_val": 1}}, "pass a smaller lr or precision=32-true"),
        (
            {"precision": "16-mixed", "trainer": {"gradient_clip_val": 0}},
            "pass a smaller lr, trainer.gradient_clip_val=1 or precision=32-true",
        ),
    ],
)
def test_only_unused_remedies_are_suggested(config, words):
    assert remedies(config) == words


def test_without_a_terminal_each_epoch_has_a_line(quick, tmp_path, capfd):
    train(quick(), tmp_path)
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 2
    for number, (line, row) in enumerate(zip(lines, rows(tmp_path), strict=True), 1):
        names = "train/loss", "train/accuracy", "val/loss", "val/accuracy"
        figures = ", ".join(f"{name} {float(row[name]):.5g}" for name in names)
        assert line == f"epoch {number}/2: {figures}, after {float(row['seconds']):.1f} s"


def test_a_bar_is_shown_only_on_a_terminal_and_can_be_turned_off(quick, tmp_path, monkeypatch):
    def shown(*words):
        return [type(each) for each in callbacks_of(TASK, quick(*words), tmp_path, None) if type(each) in kinds]

    kinds = ProgressBar, EpochLines
    assert shown() == [EpochLines]
    assert shown("trainer.enable_progress_bar=false") == []
    monkeypatch.setattr(Console, "is_terminal", True)
    assert shown() == [ProgressBar]
    assert shown("trainer.enable_progress_bar=false") == []


def test_a_closed_pipe_does_not_end_a_run(quick, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("colourize.training.progress.print", broken, raising=False)
    assert len(train(quick("max_epochs=1"), tmp_path)) > 3


def test_epochs_without_a_validation_have_shorter_lines(quick, tmp_path, capfd):
    train(quick("trainer.check_val_every_n_epoch=2"), tmp_path)
    first, second = (line for line in capfd.readouterr().out.splitlines() if line.startswith("epoch "))
    assert "val/" not in first and "val/loss" in second


def test_run_json_states_whether_the_network_was_compiled(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "compiled", lambda network, example: None)
    train(quick("compile=true"), tmp_path / "run")
    assert manifest.read(tmp_path / "run")["environment"]["compiled"] is False
