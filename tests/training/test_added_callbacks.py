"""``callbacks=``: Lightning's own and a person's, in order, and what each does to the promise of same bits."""

import csv
import logging
import re
import signal
import sys

import pytest
from pytorch_lightning.callbacks import StochasticWeightAveraging

from colourize.cli import job
from colourize.config import automatic
from colourize.errors import InputError, Interrupted
from colourize.runs import checkpoint, listing, manifest
from colourize.runs.trained import load
from colourize.tasks.chosen import train
from colourize.tasks.colourization.task import TASK
from colourize.training import range_test
from colourize.training.added_callbacks import added
from colourize.training.trainer import callbacks_of
from tests.conftest import knobs
from tests.faults.states import assert_identical
from tests.interrupting import in_step
from tests.trained import equal, rows, weights

OWN = """
import torch
from pytorch_lightning.callbacks import Callback

class Counting(Callback):
    def __init__(self, start: int = 0):
        self.count = start

    def on_train_batch_end(self, trainer, module, *given):
        self.count += 1
        with torch.no_grad():  # an effect on the result that depends on the state
            next(module.parameters()).mul_(1 - 1e-3 * self.count)

class Saved(Counting):
    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "mycallbacks.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("mycallbacks", None)


def test_callbacks_of_a_list_keep_its_order_and_come_after_the_table(quick, tmp_path):
    knobs = quick("callbacks=[timer,lr_monitor]")
    found = [type(each).__name__ for each in callbacks_of(TASK, knobs, tmp_path, "table", added(knobs).values())]
    assert found[0] == "str" and found[-1] == "Resumption"
    assert found.index("Timer") + 1 == found.index("LearningRateMonitor") < found.index("EpochLines")


def test_the_monitor_of_the_rate_logs_to_the_run_s_loggers(quick, tmp_path):
    words = "scheduler=cosine", "callbacks=lr_monitor", "callbacks.lr_monitor.logging_interval=epoch", "logger=csv"
    train(quick(*words), tmp_path)
    with (tmp_path / "csv/metrics.csv").open() as file:
        rates = [float(row["lr-Adam"]) for row in csv.DictReader(file) if row["lr-Adam"]]
    assert rates[0] == 0.001 and len(rates) == 2 and rates[1] == pytest.approx(0.0005)


def test_a_short_run_too_has_what_the_callbacks_measure(quick, tmp_path, caplog):
    """Lightning logs every 50 steps; this run has 6."""
    with caplog.at_level(logging.INFO):
        train(quick("callbacks=[lr_monitor,device_stats,timer]", "scheduler=onecycle", "logger=csv"), tmp_path)
    with (tmp_path / "csv/metrics.csv").open() as file:
        found = [row["step"] for row in csv.DictReader(file) if row["lr-Adam"]]
        assert len(found) == 2
        file.seek(0)
        names = next(csv.reader(file))
    assert any(name.startswith("DeviceStatsMonitor.on_train_batch_end") for name in names)
    (line,) = [record.message for record in caplog.records if record.message.startswith("callbacks=timer")]
    assert re.fullmatch(r"callbacks=timer: [\d.]+ s of training, the last validation [\d.]+ s of it", line)


def test_a_timer_that_ends_training_says_so(quick, tmp_path, caplog):
    words = "callbacks=timer", "callbacks.timer.duration={microseconds: 1}", "callbacks.timer.interval=epoch"
    with caplog.at_level(logging.INFO):
        train(quick(*(f"+{word}" if "interval" in word else word for word in words)), tmp_path)
    assert " s of training, ended by its duration, the last validation " in caplog.text
    assert len(rows(tmp_path)) == 1


@pytest.mark.filterwarnings("ignore")  # of SWALR
def test_the_rate_that_auto_finds_is_that_of_callbacks_too(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(range_test, "found", lambda build, knobs, *rest: automatic.with_rate(knobs, 0.02))
    seen, begin = [], StochasticWeightAveraging.on_fit_start
    monkeypatch.setattr(
        StochasticWeightAveraging,
        "on_fit_start",
        lambda self, *given: seen.append(self._swa_lrs) or begin(self, *given),
    )
    train(quick("callbacks=swa", "lr=auto", "logger=none"), tmp_path)
    assert seen == [0.02]
    assert checkpoint.read(tmp_path / "checkpoints/last.ckpt")["config"]["callbacks"]["swa"]["swa_lrs"] == 0.02


@pytest.mark.parametrize("word", ["callbacks=lr_monitor", "callbacks=rich_summary", "callbacks=[timer,device_stats]"])
def test_callbacks_that_observe_do_not_change_the_bits_and_are_inside_the_promise(
    quick, tmp_path, finished_run, caplog, word
):
    with caplog.at_level(logging.WARNING):
        train(quick(word), tmp_path)
    assert equal(weights(tmp_path), weights(finished_run))
    assert "outside of the promise" not in caplog.text


def interrupted_and_resumed(settings, folder, step, monkeypatch):
    with monkeypatch.context() as patch:
        in_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            train(settings, folder)
    train(settings, folder)


@pytest.mark.slow
@pytest.mark.parametrize("word", ["callbacks=[lr_monitor,rich_summary]", "callbacks=timer"])
def test_an_interrupted_run_with_callbacks_inside_the_promise_ends_in_the_same_bits(quick, tmp_path, monkeypatch, word):
    settings = quick(word, "save_every=1")
    train(settings, tmp_path / "whole")
    interrupted_and_resumed(settings, tmp_path / "resumed", 4, monkeypatch)
    assert equal(weights(tmp_path / "resumed"), weights(tmp_path / "whole"))


@pytest.mark.slow
def test_an_own_callback_that_saves_its_state_keeps_the_promise_and_another_is_named(
    quick, own, tmp_path, monkeypatch, caplog
):
    word = "+callbacks.mine._target_=mycallbacks."
    with caplog.at_level(logging.WARNING):
        settings = quick(f"{word}Saved", "save_every=1")
        train(settings, tmp_path / "whole")
        interrupted_and_resumed(settings, tmp_path / "resumed", 4, monkeypatch)
    assert_identical(tmp_path / "whole", tmp_path / "resumed")
    assert "outside of the promise" not in caplog.text
    with caplog.at_level(logging.WARNING):
        added(quick(f"{word}Counting"))
    assert "callbacks=mine: after an interruption the run may end in other bits" in caplog.text
    assert "it has no state_dict, so its state is not saved" in caplog.text


def test_a_run_with_an_own_callback_is_evaluated_without_its_code(quick, own, tmp_path):
    train(quick("+callbacks.mine._target_=mycallbacks.Saved", "max_epochs=1"), tmp_path)
    sys.modules.pop("mycallbacks")
    found = load(tmp_path / "checkpoints/last.ckpt")
    assert found.config["callbacks"] == {"mine": {"_target_": "mycallbacks.Saved"}}
    assert "mycallbacks" not in sys.modules


def test_another_callback_on_resume_is_refused_unless_it_only_observes(quick, tmp_path):
    train(quick("max_epochs=1"), tmp_path)
    with pytest.raises(InputError, match=r"trained with callbacks=none, not timer; pass callbacks=none, or start"):
        train(quick("callbacks=timer"), tmp_path)
    train(quick("callbacks=lr_monitor"), tmp_path)


@pytest.mark.parametrize("word", ["callbacks=swa", "callbacks=timer callbacks.timer.duration=01:00:00:00"])
def test_callbacks_outside_the_promise_are_named_in_one_line(quick, caplog, word):
    with caplog.at_level(logging.WARNING):
        added(quick(*word.split()))
    (record,) = caplog.records
    assert ": after an interruption the run may end in other bits: " in record.message
    assert "\n" not in record.message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("callbacks=lr_monitor logger=none", "callbacks=lr_monitor logs, got logger=none; pass logger=csv, or leave"),
        ("callbacks=timer callbacks.timer.duration=soon", "callbacks.timer: .*is not a valid duration"),
        ("callbacks=lr_monitor callbacks.lr_monitor.logging_interval=day", "callbacks.lr_monitor: logging_interval"),
        ("+callbacks.mine._target_=pathlib.Path", "pathlib.Path must be a pytorch_lightning.callbacks.Callback"),
    ],
)
def test_a_wrong_callback_is_one_line(quick, words, message):
    with pytest.raises(InputError, match=message) as caught:
        added(quick(*words.split()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("+callbacks.mine._target_=nowhere.Mine", "nowhere"),
        ("+callbacks.mine=3", "callbacks.mine must be an option with a _target_, got 3"),
        ("+callbacks.timer.duration=3", "callbacks.timer must be an option with a _target_"),
    ],
)
def test_a_callback_that_cannot_be_found_is_one_line(word, message):
    with pytest.raises(InputError, match=message) as caught:
        knobs(word)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of SWALR
def test_swa_ends_with_the_mean_of_its_epochs_and_is_not_resumed_once_it_averages(quick, tmp_path, monkeypatch):
    words = "callbacks=swa", "max_epochs=4", "save_every=1", "callbacks.swa.swa_epoch_start=3", "logger=none"
    train(quick(*words), tmp_path / "swa")
    assert len(rows(tmp_path / "swa")) == 5  # one more for the statistics of batch norms
    interrupted_and_resumed(quick(*words), tmp_path / "early", 2, monkeypatch)
    assert equal(weights(tmp_path / "early"), weights(tmp_path / "swa"))
    with pytest.raises(InputError, match="was interrupted while callbacks=swa averaged, which cannot be resumed"):
        interrupted_and_resumed(quick(*words), tmp_path / "late", 10, monkeypatch)


@pytest.mark.filterwarnings("ignore")  # of SWALR
def test_a_run_that_was_interrupted_while_swa_averaged_is_not_offered_to_resume(quick, tmp_path, monkeypatch, capsys):
    words = "callbacks=swa", "max_epochs=4", "callbacks.swa.swa_epoch_start=1", "logger=none"
    in_step(monkeypatch, 8, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Interrupted) as caught:
        train(quick(*words), tmp_path)
    stored = manifest.read(tmp_path)
    cause = "SIGTERM, but callbacks=swa had begun to average, which cannot be resumed"
    assert (stored["status"], stored["error"]) == ("failed", cause)
    capsys.readouterr()
    job.print_how_to_resume(caught.value, tmp_path)
    assert capsys.readouterr().err == f"colourize: {cause}; start a new run\n"
    with pytest.raises(InputError, match="was interrupted while callbacks=swa averaged"):
        train(quick(*words), tmp_path)
    listing.show([tmp_path])
    assert cause in (shown := capsys.readouterr().out) and "resume with" not in shown
