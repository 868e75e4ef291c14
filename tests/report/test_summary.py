"""The sentences at the top of a report, over runs written by the test."""

import json

import pytest
from scipy import stats

from colourize.report.records import read
from colourize.report.settings import grouped
from colourize.report.summary import changed, summary
from tests.made_runs import run


def printed(folder):
    return summary(grouped(read([folder])))


@pytest.mark.parametrize(
    ("second", "sure"),
    [([1.12, 1.11, 1.13], "not significant"), ([1.5, 1.56, 1.47], "significant")],
)
def test_the_margin_of_the_next_setting_has_an_interval(tmp_path, second, sure):
    first = [1.10, 1.15, 1.05]
    for kernel, losses in ((3, first), (5, second)):
        for seed, loss in enumerate(losses):
            run(tmp_path / f"{kernel}-{seed}", losses=(2.0, loss), kernel=kernel, seed=seed)
    low, high = stats.ttest_rel(second, first).confidence_interval(0.95)
    mean = sum(second) / 3 - sum(first) / 3
    assert f"The lowest: kernel=3, 1.1000 ± 0.0500 nats a pixel. The next, kernel=5, is {mean:.4f} higher" in printed(
        tmp_path
    )
    assert f"95 % interval {low:+.4f} to {high:+.4f} over 3 seeds: {sure}." in printed(tmp_path)
    assert "All finished runs took 2.0 minutes, one after another." in printed(tmp_path)


def test_one_pair_or_different_seeds_are_stated_as_no_evidence(tmp_path):
    run(tmp_path / "0", losses=(2.0, 1.1), kernel=3)
    other = run(tmp_path / "1", losses=(2.0, 1.2), kernel=5)
    assert "is 0.1000 higher with the same seed: one pair cannot show whether that is chance." in printed(tmp_path)
    contents = json.loads((other / "run.json").read_text())
    contents["config"]["seed"] = 7
    (other / "run.json").write_text(json.dumps(contents))
    assert "The next: kernel=5, with other seeds." in printed(tmp_path)


def test_the_lowest_loss_of_each_set_of_pictures_is_named(tmp_path):
    for job, (size, pictures) in enumerate((size, pictures) for size in (32, 64) for pictures in "ab"):
        run(tmp_path / str(job), losses=(2.0, 1 + job / 10), batch_size=size, fingerprint=pictures * 20)
    assert printed(tmp_path).count("The lowest: batch_size=32") == 2


def test_the_lowest_is_named_with_what_long_labels_leave_out(tmp_path):
    usual = {"batch_size": 50, "lr": 0.01, "kernel": 5, "num_filters": 16}
    for job, other in enumerate([{}, {"kernel": 7}, {"lr": 0.1}, {"num_filters": 8}, {"batch_size": 7}]):
        run(tmp_path / str(job), losses=(2.0, 1 - job / 10), **usual | other)
    assert "The lowest: batch_size=7, lr=0.01, kernel=5, num_filters=16, " in printed(tmp_path)


def test_the_overrides_of_an_experiment_are_named_except_those_of_its_place(tmp_path):
    run(tmp_path / "0", batch_size=64)
    words = ["experiment=batch_size", "data=folder", "data.root=/x", "classes=horse", "cache_dir=c", "max_epochs=2",
             "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "batch_size=64,256"]  # fmt: skip
    (tmp_path / "sweep.json").write_text(json.dumps({"overrides": words, "cwd": "/"}))
    assert changed(grouped(read([tmp_path]))) == "batch_size=64,256 max_epochs=2"


def test_the_overrides_of_each_of_several_commands_stay_together(tmp_path):
    for job, words in enumerate(([], ["kernel=5", "seed=0,1"], ["kernel=1,2"])):
        run(tmp_path / str(job) / "0", kernel=job)
        (tmp_path / str(job) / "sweep.json").write_text(json.dumps({"overrides": ["experiment=kernel", *words]}))
    assert changed(grouped(read([tmp_path]))) == "no other overrides; kernel=1,2; kernel=5 seed=0,1"
    for job in range(3, 6):
        run(tmp_path / str(job) / "0", kernel=job)
        overrides = ["experiment=kernel", f"kernel={job}"]
        (tmp_path / str(job) / "sweep.json").write_text(json.dumps({"overrides": overrides}))
    assert changed(grouped(read([tmp_path]))) == "6 different commands"
