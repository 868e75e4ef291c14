"""``debug=``: short runs that look for faults, and are marked as such."""

import pytest
import torch

from colourize.data.labelled import read
from colourize.report.records import read as records
from colourize.report.settings import study
from colourize.runs import listing, manifest
from colourize.tasks.colourization.train import train
from tests.conftest import knobs
from tests.trained import rows


def test_fast_takes_one_step_on_one_batch_and_marks_its_folder(quick, tmp_path, capsys):
    train(quick("debug=fast", "max_epochs=1"), tmp_path / "fast", ["debug=fast"])
    train(quick("max_epochs=1"), tmp_path / "run", ["max_epochs=1"])
    (row,) = rows(tmp_path / "fast")
    assert row["step"] == "1"
    assert manifest.read(tmp_path / "fast")["config"]["debug"] == "fast"
    capsys.readouterr()
    listing.show([tmp_path])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if f"{tmp_path}/fast" in line and "1/1" in line]
    assert line.endswith("  debug=fast")
    found = study(records([tmp_path]))
    assert [run.folder.name for setting in found.settings for run in setting.runs] == ["run"]
    assert found.doubled == (f"{tmp_path / 'fast'} is left out: debug=fast",)


@pytest.mark.parametrize("debug", ["fast", "overfit"])
def test_pictures_of_one_batch_are_read_again_the_same_by_every_command(quick, debug):
    settings = quick(f"debug={debug}", "max_epochs=20")
    whole, few = read({**settings, "debug": None}), read(settings)
    assert len(few.train) == len(few.validation) == settings["batch_size"] < len(whole.train)
    assert torch.equal(few.train[0], whole.train[0]) and torch.equal(few.train[-1], whole.train[-1])
    assert torch.equal(few.train, few.validation) == (debug == "overfit")
    assert torch.equal(few.train, read(settings).train)


@pytest.mark.slow
def test_a_network_learns_one_batch_by_heart(quick, tmp_path):
    train(
        quick("debug=overfit", "model=resunet", "num_filters=16", "batch_size=4", "logger=none", "max_epochs=200"),
        tmp_path,
    )
    assert float(rows(tmp_path)[-1]["train/accuracy"]) == 1
    assert float(rows(tmp_path)[-1]["val/accuracy"]) == 1


def test_each_kind_sets_what_its_file_says_and_the_command_line_wins():
    assert knobs("debug=limit")["trainer"] == {"limit_train_batches": 0.1, "limit_val_batches": 0.1}
    assert knobs("debug=profiler")["trainer"] == {"profiler": "simple"}
    assert knobs("debug=anomalies")["trainer"] == {"detect_anomaly": True}
    assert knobs("debug=fast", "max_epochs=2")["max_epochs"] == 2
    assert knobs("experiment=resunet", "debug=fast")["max_epochs"] == 1
    assert knobs()["debug"] is None


@pytest.mark.parametrize(("word", "accelerator"), [("default", "auto"), ("cpu", "cpu"), ("gpu", "gpu")])
def test_trainer_names_the_accelerator_beside_its_arguments(word, accelerator):
    found = knobs(f"trainer={word}", "trainer.gradient_clip_val=1")
    assert found["accelerator"] == accelerator and found["trainer"] == {"gradient_clip_val": 1}
    assert knobs("trainer={gradient_clip_val: 1}")["trainer"] == {"gradient_clip_val": 1}
