import json

import pytest
from omegaconf import OmegaConf

from colourize.cli import signals
from colourize.cli import train as command
from colourize.errors import InputError
from colourize.runs import manifest
from colourize.sweeps.progress import SweepProgress
from colourize.sweeps.summary import Summary, jobs, planned

BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


def write(folder, **entries):
    folder.mkdir(parents=True)
    manifest.write(folder, **entries)


def config(folder, *task, params=None, sweeper=BASIC, hydra=()):
    settings = {
        "sweep": {"dir": str(folder)},
        "sweeper": {"_target_": sweeper, "params": params},
        "launcher": {},
        "overrides": {"task": list(task), "hydra": list(hydra)},
    }
    return OmegaConf.create({"hydra": settings})


def done(overrides, loss, start="1"):
    return {"overrides": overrides, "config": {}, "status": "finished", "start": start, "metrics": {"val/loss": loss}}


def summary(settings):
    made = Summary()
    made.on_multirun_start(settings)
    return made


def test_the_table_lists_every_job_with_its_swept_values_and_its_state(tmp_path, capsys):
    settings = config(tmp_path, "data=scenes", "classes=all,[meadow,coast]", "kernel=3,5")
    write(tmp_path / "0", **done(["data=scenes", "classes=all", "kernel=3"], 1.25))
    (tmp_path / "1").mkdir()
    manifest.note_failure(tmp_path / "1", ["data=scenes", "classes=all", "kernel=5"], "no [such] file")
    with pytest.raises(SystemExit) as caught:
        summary(settings).on_multirun_end(settings)
    assert caught.value.code == 1
    printed = capsys.readouterr().out
    assert "4 jobs" in printed
    assert "1.2500" in printed
    assert "job 1 (classes=all kernel=5) failed: no [such] file" in printed
    assert "job - (classes=[meadow,coast] kernel=5) not begun" in printed


def test_a_sweep_with_only_finished_jobs_exits_with_zero(tmp_path, capsys):
    settings = config(tmp_path, "seed=1,2")
    for number in range(2):
        write(tmp_path / str(number), **done([f"seed={number + 1}"], 1.0))
    summary(settings).on_multirun_end(settings)
    assert "2 jobs" in capsys.readouterr().out
    assert Summary.under_way is None


def test_a_dashboard_is_named_if_a_job_has_written_for_it(tmp_path, capsys):
    settings = config(tmp_path, "seed=1")
    write(tmp_path / "0", **done(["seed=1"], 1.0) | {"config": {"logger": {"csv": {}}}})
    summary(settings).on_multirun_end(settings)
    assert "tensorboard" not in capsys.readouterr().out
    write(tmp_path / "1", **done(["seed=2"], 1.0) | {"config": {"logger": {"csv": {}, "tensorboard": {}}}})
    settings = config(tmp_path, "seed=1,2")
    summary(settings).on_multirun_end(settings)
    assert f"dashboard  tensorboard --logdir {tmp_path}" in capsys.readouterr().out


def test_runs_of_another_sweep_in_the_folder_do_not_count(tmp_path):
    write(tmp_path / "0", **done(["seed=7"], 1.0))
    assert [job["status"] for job in jobs(tmp_path, [["seed=1"]])] == ["not begun"]


def test_a_folder_of_another_run_is_reported_and_kept(tmp_path):
    write(tmp_path / "0", **done(["seed=7"], 1.0))
    manifest.note_failure(tmp_path / "0", ["seed=1"], "0 was trained with seed=7, not 1")
    assert [job["status"] for job in jobs(tmp_path, [["seed=1"], ["seed=7"]])] == ["failed", "finished"]


def remembered(folder, *task, **settings):
    """The overrides stored in the folder after a start of a sweep."""
    summary(config(folder, *task, **settings))
    Summary.under_way = None
    return json.loads((folder / "sweep.json").read_text())["overrides"]


def test_the_overrides_of_a_start_are_kept_only_if_it_extends_the_sweep(tmp_path):
    assert remembered(tmp_path, "kernel=3", "seed=0") == ["kernel=3", "seed=0"]
    write(tmp_path / "0", **done(["kernel=3", "seed=0"], 1.0))
    assert remembered(tmp_path, "kernel=3", "seed=0,1") == ["kernel=3", "seed=0,1"]
    write(tmp_path / "1", **done(["kernel=3", "seed=1"], 1.0))
    assert remembered(tmp_path, "kernel=5", "seed=0,1") == ["kernel=3", "seed=0,1"]
    assert remembered(tmp_path, "kernel=3", "seed=1") == ["kernel=3", "seed=0,1"]


def test_the_overrides_of_an_extended_sweep_are_kept_when_its_jobs_have_them(tmp_path):
    remembered(tmp_path, "max_epochs=2", "seed=0")
    write(tmp_path / "0", **done(["max_epochs=2", "seed=0"], 1.0))
    settings = config(tmp_path, "max_epochs=3", "seed=0")
    begun = summary(settings)
    manifest.write(tmp_path / "0", **done(["max_epochs=3", "seed=0"], 0.9))
    begun.on_multirun_end(settings)
    assert json.loads((tmp_path / "sweep.json").read_text())["overrides"] == ["max_epochs=3", "seed=0"]


def test_a_search_keeps_a_later_number_of_trials_but_no_other_overrides(tmp_path):
    def start(*task, trials):
        return remembered(tmp_path, *task, sweeper="some.OptunaSweeper", hydra=[f"hydra.sweeper.n_trials={trials}"])

    start("lr=interval(0,1)", trials=3)
    write(tmp_path / "0", **done(["lr=0.5"], 1.0))
    assert start("lr=interval(0,1)", trials=9) == ["lr=interval(0,1)", "hydra.sweeper.n_trials=9"]
    assert start("lr=interval(0,2)", trials=9) == ["lr=interval(0,1)", "hydra.sweeper.n_trials=9"]


def test_a_job_counts_if_its_overrides_differ_only_in_values_without_effect(tmp_path):
    for seed in (0, 1):
        write(tmp_path / str(seed), **done(["kernel=3", f"seed={seed}"], 1.0))
    words = [[f"seed={seed}", "kernel=3", "save_every=7", "trainer.profiler=simple"] for seed in (0, 1, 2)]
    assert [job["status"] for job in jobs(tmp_path, words)] == ["finished", "finished", "not begun"]
    assert [job["name"] for job in jobs(tmp_path, words)] == ["0", "1", "-"]
    both = [["kernel=3", "seed=0"], ["kernel=3", "seed=0", "save_every=7"]]
    assert [job["status"] for job in jobs(tmp_path, both)] == ["finished", "not begun"]


def test_the_sweep_of_an_experiment_is_planned_too():
    assert planned(config("x", "seed=1,2", params={"kernel": "3,5"})) == [
        ["kernel=3", "seed=1"], ["kernel=3", "seed=2"], ["kernel=5", "seed=1"], ["kernel=5", "seed=2"],
    ]  # fmt: skip


def test_jobs_of_a_search_are_listed_in_the_order_of_starting(tmp_path):
    for start, name in enumerate(("10", "2", "1")):
        write(tmp_path / name, **done([name], 1.0, start=str(start)))
    assert planned(config(tmp_path, sweeper="some.OptunaSweeper")) == []
    assert [job["name"] for job in jobs(tmp_path, [])] == ["10", "2", "1"]


def test_an_error_before_the_summary_stops_the_bar(tmp_path, monkeypatch):
    def refused():
        made = Summary()
        settings = config(tmp_path, "seed=1,2")
        settings.hydra.launcher = {"n_jobs": 2}
        made.on_multirun_start(settings)
        raise InputError("refused after the bar began")

    monkeypatch.setattr(command, "_train_job", refused)
    monkeypatch.setattr("sys.argv", ["train.py"])
    monkeypatch.setattr(SweepProgress, "end", lambda self, end=SweepProgress.end: (ended.append(self), end(self)))
    monkeypatch.setattr(Summary, "under_way", None)
    monkeypatch.setattr(signals.signal, "signal", lambda *args: None)
    monkeypatch.setattr(signals.threading, "excepthook", signals.threading.excepthook)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    ended = []
    with pytest.raises(SystemExit, match=r"refused after the bar began"):
        command.train()
    assert len(ended) == 1 and not ended[0].thread.is_alive() and Summary.progress is None
