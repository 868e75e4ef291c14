"""``debug=``: short runs that look for faults, and are marked as such."""

import pytest
import torch

from colourize.data.labelled import read
from colourize.report.records import read as records
from colourize.report.settings import grouped
from colourize.runs import checkpoint, listing, manifest
from colourize.tasks.chosen import train
from tests.conftest import knobs
from tests.trained import rows

FEW = ("data=scenes", "data.num_train=8", "data.num_validation=4", "image_size=8", "num_filters=4", "num_colours=4",
       "batch_size=8", "model=unet", "logger=none", "trainer.enable_progress_bar=false")  # fmt: skip


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
    found = grouped(records([tmp_path]))
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
        quick(
            "debug=overfit",
            "model=resunet",
            "num_filters=16",
            "batch_size=4",
            "logger=none",
            "lr=0.005",
            "max_epochs=60",
        ),
        tmp_path,
    )
    assert float(rows(tmp_path)[-1]["train/accuracy"]) == 1
    assert float(rows(tmp_path)[-1]["val/accuracy"]) == 1


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        (["debug=limit"], ["1", "2", "3"]),  # a tenth of one batch is still one
        (["debug=overfit", "max_epochs=2"], ["2"]),
        (["debug=anomalies"], ["1"]),
        (["debug=profiler"], ["1"]),
    ],
)
def test_each_kind_ends_with_a_result_on_few_pictures(quick, tmp_path, capsys, words, steps):
    config = knobs(*FEW, *words)
    train({**config, "cache_dir": quick()["cache_dir"]}, tmp_path / "run", words)
    validated = [row["step"] for row in rows(tmp_path / "run") if row["val/loss"]]
    assert validated == steps
    assert manifest.read(tmp_path / "run")["status"] == "finished"
    profile = tmp_path / "run/fit-profile.txt"
    assert profile.exists() == (words == ["debug=profiler"])
    assert (f"profile       {profile}" in capsys.readouterr().out) == profile.exists()


def test_the_kinds_end_in_the_same_weights_as_runs_without_their_tools(quick, tmp_path):
    """Profiling and the search for NaN only look."""
    found = []
    for words in (["debug=anomalies"], ["debug=profiler"], []):
        config = knobs(*FEW, *words, "max_epochs=1")
        folder = tmp_path / f"run{len(found)}"
        train({**config, "cache_dir": quick()["cache_dir"]}, folder)
        found.append(checkpoint.read(folder / "checkpoints/last.ckpt")["state_dict"])
    assert all(torch.equal(tensor, other[name]) for other in found[1:] for name, tensor in found[0].items())


def test_each_kind_sets_what_its_file_says_and_the_command_line_wins():
    assert knobs("debug=limit")["trainer"] == {"limit_train_batches": 0.1, "limit_val_batches": 0.1}
    assert knobs("debug=profiler")["trainer"] == {"profiler": "simple"}
    assert knobs("debug=anomalies")["trainer"] == {"detect_anomaly": True}
    assert knobs("debug=fast", "max_epochs=2")["max_epochs"] == 2
    assert knobs("debug=overfit")["trainer"] == {"check_val_every_n_epoch": 20}
    assert knobs("debug=overfit", "max_epochs=5")["trainer"] == {"check_val_every_n_epoch": 5}
    assert knobs("experiment=resunet", "debug=fast")["max_epochs"] == 1
    assert knobs()["debug"] is None


@pytest.mark.parametrize(("word", "accelerator"), [("default", "auto"), ("cpu", "cpu"), ("gpu", "gpu")])
def test_trainer_names_the_accelerator_beside_its_arguments(word, accelerator):
    found = knobs(f"trainer={word}", "trainer.gradient_clip_val=1")
    assert found["accelerator"] == accelerator and found["trainer"] == {"gradient_clip_val": 1}
    assert knobs("trainer={gradient_clip_val: 1}")["trainer"] == {"gradient_clip_val": 1}
