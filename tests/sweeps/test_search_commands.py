"""Searches started from the command line, in separate processes."""

import subprocess
import sys
from pathlib import Path

import pytest
from optuna.trial import TrialState

from colourize.runs import manifest
from colourize.sweeps import search, stored_search
from tests.conftest import QUICK
from tests.faults.processes import Process

ROOT = Path(__file__).parent.parent.parent


def trials(folder):
    return stored_search.open_search(folder / "sweep", 4, 1).trials


@pytest.mark.slow
def test_the_command_searches_prunes_resumes_and_prints_the_best(tmp_path):
    words = [*QUICK, "max_epochs=2", f"cache_dir={tmp_path / 'cache'}", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    words += ["hydra.sweeper.params={lr:'tag(log,interval(1e-6,1e-1))'}", "hydra.sweeper.random_trials=2"]
    words += ["hydra.sweeper.prune_after=0", "trainer.enable_progress_bar=false"]
    for n_trials in (2, 4):
        search_of = "--multirun", "experiment=search", *words, f"hydra.sweeper.n_trials={n_trials}"
        process = Process(*search_of, cwd=tmp_path)
        assert process.wait(200) == 0, process.stderr()
    opened = stored_search.open_search(tmp_path / "sweep", 2, 0)
    assert len(opened.trials) == 4 and all(trial.state.is_finished() for trial in opened.trials)
    for trial in opened.trials:
        stored = manifest.read(tmp_path / "sweep" / str(trial.number))
        pruned = trial.state is TrialState.PRUNED
        assert stored["status"] == "finished" and stored.get("pruned", False) is pruned
        assert len(trial.intermediate_values) == (2 if not pruned else trial.user_attrs[stored_search.PRUNED])
        if not pruned:
            assert trial.value == pytest.approx(stored["metrics"]["val/loss"])
    assert f"best       {stored_search.best(tmp_path / 'sweep')}" in process.stdout()


FORMER = "hydra_plugins.colourize.OptunaSweeper"  # older folders name this class in place of ``search.TARGET``


@pytest.mark.slow
def test_a_search_stored_with_the_former_class_of_the_sweeper_is_resumed(tmp_path):
    words = [*QUICK, "max_epochs=1", f"cache_dir={tmp_path / 'cache'}", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    words += ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "lr=tag(log,interval(1e-4,1e-2))"]
    process = Process("--multirun", *words, cwd=tmp_path)
    assert process.wait(200) == 0, process.stderr()
    for name in ("multirun.yaml", "0/.hydra/hydra.yaml"):
        file = tmp_path / "sweep" / name
        file.write_text(file.read_text().replace(search.TARGET, FORMER))
        assert FORMER in file.read_text()
    process = Process("resume=sweep", "hydra.sweeper.n_trials=2", cwd=tmp_path)
    assert process.wait(200) == 0, process.stderr()
    assert [trial.state for trial in trials(tmp_path)] == [TrialState.COMPLETE] * 2
    assert search.TARGET in (tmp_path / "sweep/multirun.yaml").read_text()


@pytest.mark.slow
def test_parallel_jobs_write_into_one_database(tmp_path):
    words = [*QUICK, "max_epochs=1", f"cache_dir={tmp_path / 'cache'}", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    words += ["hydra/sweeper=optuna", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweeper.n_trials=2"]
    command = [sys.executable, str(ROOT / "train.py"), "--multirun", *words, "lr=tag(log,interval(1e-4,1e-2))"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=240)
    assert done.returncode == 0, done.stderr
    for number, trial in enumerate(trials(tmp_path)):
        metrics = manifest.read(tmp_path / "sweep" / str(number))["metrics"]
        assert trial.value == metrics["val/loss"] == trial.intermediate_values[0]


def test_a_number_of_jobs_below_one_gives_a_one_line_error(tmp_path):
    words = [
        *QUICK,
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=0",
        "seed=0,1",
        f"hydra.sweep.dir={tmp_path / 'a'}",
    ]
    process = Process("--multirun", *words, cwd=tmp_path)
    assert (process.wait(200), process.stderr().count("\n")) == (1, 1)
    assert "hydra.launcher.n_jobs must not be 0; pass 1 or more" in process.stderr()
