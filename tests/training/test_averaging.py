import csv

import numpy as np
import pytest
import torch

from colourize.colour.palette import quantize
from colourize.colour.rgb import grey
from colourize.config.instantiate import instantiate
from colourize.errors import InputError
from colourize.evaluation.metrics import cross_entropy
from colourize.runs import checkpoint
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from colourize.tasks.colourization import examples as examples_file
from colourize.tasks.colourization import task
from colourize.tasks.colourization.module import Colourizer
from colourize.training.averaging import averaging
from colourize.training.epoch_table import EpochTable
from tests.colour_data import report_by


def last(folder):
    return checkpoint.read(folder / "checkpoints/last.ckpt")


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def decays(decay, num_steps):
    return [min(decay, (1 + step) / (10 + step)) for step in range(1, num_steps)]


def test_the_average_equals_the_recursion_and_integers_are_copied():
    values = np.random.default_rng(0).random((30, 4))
    held, counts, expected = [torch.from_numpy(values[0].copy())], [torch.tensor(0)], values[0]
    for step, (value, decay) in enumerate(zip(values[1:], decays(0.5, 30), strict=True), 1):
        averaging(0.5)(held, [torch.from_numpy(value)], torch.tensor(step))
        averaging(0.5)(counts, [torch.tensor(step)], torch.tensor(step))
        expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(held[0].numpy(), expected, rtol=1e-12)
    assert counts[0].item() == 29


def test_constant_values_are_averaged_without_rounding():
    held, palette = [torch.rand(100)], torch.rand(100)
    held[0].copy_(palette)
    for step in range(1, 50):
        averaging(0.9)(held, [palette], torch.tensor(step))
    assert held[0].equal(palette)


def test_a_checkpoint_contains_the_average_and_the_weights_of_a_run_without_averaging(quick, tmp_path, monkeypatch):
    """Also running means and variances; the expected average is computed in numpy."""
    states, original = [], EpochTable.on_train_batch_end

    def spy(self, trainer, module, *args):
        states.append({name: value.double().numpy().copy() for name, value in module.state_dict().items()})
        original(self, trainer, module, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EpochTable, "on_train_batch_end", spy)
        train(quick("ema=0.4", "lr=0.1"), tmp_path / "averaged")
    assert len(states) == 6
    expected = states[0]
    for decay, state in zip(decays(0.4, 6), states[1:], strict=True):
        expected = {name: decay * expected[name] + (1 - decay) * value for name, value in state.items()}
    contents = last(tmp_path / "averaged")
    for name, value in contents["state_dict"].items():
        if value.is_floating_point():
            np.testing.assert_allclose(value.numpy(), expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
    train(quick("lr=0.1"), tmp_path / "plain")
    plain = last(tmp_path / "plain")["state_dict"]
    assert same(plain, contents["current_model_state"])
    assert not same(plain, contents["state_dict"])


@pytest.fixture
def reported(monkeypatch):
    """The weights in the report of a run."""
    seen, original = [], task.TASK.report

    def spy(fitted, folder, knobs):
        seen.append(fitted.module.state_dict())
        return original(fitted, folder, knobs)

    report_by(spy, monkeypatch)
    return seen


def test_the_average_is_validated_shown_and_reported(quick, tmp_path, monkeypatch, reported):
    shown, examples = [], examples_file.examples

    def spy(model, *args):
        shown.append({f"model.{name}": value.clone() for name, value in model.state_dict().items()})
        return examples(model, *args)

    monkeypatch.setattr(examples_file, "examples", spy)
    train(quick("ema=0.9", "lr=0.03"), tmp_path)
    contents = last(tmp_path)
    assert same(shown[-1], contents["state_dict"])
    assert same(reported[0], contents["state_dict"])
    model = load(tmp_path / "checkpoints/last.ckpt").model
    images = instantiate(contents["config"]["data"]).validation
    with torch.no_grad():
        loss = cross_entropy(model(grey(images)), quantize(images, model.palette).long()).mean().item()
    with (tmp_path / "metrics.csv").open() as file:
        assert float(list(csv.DictReader(file))[-1]["val/loss"]) == pytest.approx(loss, rel=1e-5)


def test_a_run_with_nothing_left_to_train_reports_the_average(quick, tmp_path, monkeypatch, reported):
    def killed(*args):
        raise EOFError

    with pytest.MonkeyPatch.context() as patch:
        report_by(killed, patch)
        with pytest.raises(EOFError):
            train(quick("ema=0.9"), tmp_path)
    monkeypatch.setattr(Colourizer, "training_step", killed)  # no step is left
    train(quick("ema=0.9"), tmp_path)
    assert same(reported[0], last(tmp_path)["state_dict"])


def test_resuming_with_another_decay_or_none_is_refused(quick, tmp_path):
    train(quick("ema=0.9", "max_epochs=1"), tmp_path / "run")
    path = f"ckpt_path={tmp_path / 'run/checkpoints/last.ckpt'}"
    for word, message in (("ema=0.5", "0.5"), ("ema=null", "null")):
        with pytest.raises(InputError, match=f"was trained with ema=0.9, not {message}; pass ema=0.9"):
            train(quick(word, path), tmp_path / message)


def test_a_floor_is_not_averaged(quick, tmp_path):
    losses = [
        train(quick("model=lookup", *words), tmp_path / str(len(words)))["val/loss"] for words in ([], ["ema=0.9"])
    ]
    assert losses[0] == losses[1]
