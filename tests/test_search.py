import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from colourize import manifest, search
from colourize.errors import InputError
from tests.conftest import QUICK

ROOT = Path(__file__).parent.parent


def parsed(word):
    return OverridesParser.create().parse_override(word)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("lr=tag(log,interval(1e-4,1e-1))", FloatDistribution(1e-4, 1e-1, log=True)),
        ("lr=interval(0,0.5)", FloatDistribution(0.0, 0.5)),
        ("num_filters=int(interval(8,64))", IntDistribution(8, 64)),
        ("num_filters=tag(log,int(interval(8,64)))", IntDistribution(8, 64, log=True)),
        ("kernel=range(1,8)", IntDistribution(1, 7)),
        ("kernel=range(1,8,3)", IntDistribution(1, 7, step=3)),
        ("model=unet,resunet", CategoricalDistribution(["unet", "resunet"])),
        ("classes=choice(horse,[cat,dog])", CategoricalDistribution(["horse", "[cat,dog]"])),
    ],
)
def test_hydra_s_sweeps_are_optuna_s_distributions(word, expected):
    assert search.distribution(parsed(word)) == expected


@pytest.mark.parametrize("word", ["lr=interval(1,0)", "lr=tag(log,interval(0,1))", "kernel=range(3,1)"])
def test_a_range_without_values_is_refused(word):
    with pytest.raises(InputError, match=r"pass values from low to high"):
        search.distribution(parsed(word))


class Launcher:
    """Stands for Hydra's: each job returns (log10 lr + 2)^2, but those in ``ends``, which return or raise that."""

    def __init__(self, ends=None):
        self.ends, self.ran = ends or {}, []

    def launch(self, jobs, initial_job_idx):
        found = []
        for number, words in enumerate(jobs, start=initial_job_idx):
            self.ran.append((number, tuple(words)))
            end = self.ends.get(number)
            if isinstance(end, BaseException):
                raise end
            rate = float(dict(word.split("=") for word in words)["lr"])
            found.append(SimpleNamespace(return_value=(math.log10(rate) + 2) ** 2 if end is None else end))
        return found


def searched(folder, launcher, n_trials=12, n_jobs=1, arguments=("kernel=3",), interval="1e-5,1"):
    made = search.OptunaSweeper({"lr": f"tag(log,interval({interval}))"}, n_trials, 0, 4, 1)
    made.job_config = OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}, "launcher": {"n_jobs": n_jobs}}})
    made.context, made.launcher = SimpleNamespace(config_loader=None), launcher
    made.validate_batch_is_legal = lambda batch: None
    made.sweep(list(arguments))
    return launcher.ran


def trials(folder):
    return search.open_study(folder, 4, 1).trials


def test_job_n_is_trial_n_and_runs_with_its_values_and_the_fixed_ones(tmp_path):
    ran = searched(tmp_path, Launcher(), n_jobs=2)
    assert [number for number, _ in ran] == list(range(12))
    for (_, words), trial in zip(ran, trials(tmp_path), strict=True):
        assert words[0] == "kernel=3"
        assert float(words[1].removeprefix("lr=")) == pytest.approx(trial.params["lr"], rel=1e-5)
        assert trial.value == pytest.approx((math.log10(trial.params["lr"]) + 2) ** 2, abs=1e-4)


def test_the_best_is_written_in_words_that_can_be_typed(tmp_path):
    assert search.best(tmp_path) == ""
    searched(tmp_path, Launcher())
    values = [trial.value for trial in trials(tmp_path)]
    said = OmegaConf.load(tmp_path / search.RESULTS)
    assert said.best_value == min(values) and values[said.best_job] == min(values)
    assert search.best(tmp_path).startswith(f"job {said.best_job}, val/loss {min(values):.4f}: lr=")


def test_a_search_that_was_killed_proposes_what_it_would_have_without(tmp_path):
    whole = searched(tmp_path / "whole", Launcher())
    cut = Launcher({6: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "cut", cut)
    assert trials(tmp_path / "cut")[6].state is TrialState.RUNNING
    after = searched(tmp_path / "cut", Launcher())
    assert after[0][0] == 6, "what did not end is run first, in its own folder"
    assert [*cut.ran[:6], *after] == whole


def test_failed_and_pruned_jobs_are_told_to_the_study(tmp_path):
    class Marking(Launcher):
        def launch(self, jobs, initial_job_idx):
            if initial_job_idx == 3:
                study = search.open_study(tmp_path, 4, 1)
                study._storage.set_trial_user_attr(study.trials[3]._trial_id, search.PRUNED, 2)
            return super().launch(jobs, initial_job_idx)

    searched(tmp_path, Marking({1: math.nan}), n_trials=5)
    states = [trial.state for trial in trials(tmp_path)]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE]


def test_another_search_in_the_same_folder_and_one_without_values_are_refused(tmp_path):
    searched(tmp_path, Launcher(), n_trials=2, arguments=["kernel=choice(3,5)"])
    with pytest.raises(InputError, match=r"holds a search among other values .*; pass another hydra\.sweep\.dir"):
        searched(tmp_path, Launcher(), n_trials=4, arguments=["kernel=choice(3,7)"])
    with pytest.raises(InputError, match=r"a search wants values to choose among"):
        searched(tmp_path, Launcher(), arguments=["lr=0.1"])


def test_the_command_searches_prunes_goes_on_and_says_what_is_best(tmp_path):
    words = [*QUICK, "max_epochs=2", f"cache_dir={tmp_path / 'cache'}", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    words += ["hydra.sweeper.params={lr:'tag(log,interval(1e-6,1e-1))'}", "hydra.sweeper.random_trials=2"]
    words += ["hydra.sweeper.prune_after=0", "+trainer.enable_progress_bar=false"]

    def run(n_trials):
        command = [sys.executable, str(ROOT / "train.py"), "--multirun", "experiment=search", *words]
        return subprocess.run(
            [*command, f"hydra.sweeper.n_trials={n_trials}"], capture_output=True, text=True, cwd=tmp_path, timeout=240
        )

    first = run(2)
    assert first.returncode == 0, first.stderr
    second = run(4)
    assert second.returncode == 0, second.stderr
    study = search.open_study(tmp_path / "sweep", 2, 0)
    assert len(study.trials) == 4 and all(trial.state.is_finished() for trial in study.trials)
    for trial in study.trials:
        said = manifest.read(tmp_path / "sweep" / str(trial.number))
        pruned = trial.state is TrialState.PRUNED
        assert said["status"] == "finished" and said.get("pruned", False) is pruned
        assert len(trial.intermediate_values) == (2 if not pruned else trial.user_attrs[search.PRUNED])
        if not pruned:
            assert trial.value == pytest.approx(said["metrics"]["val/loss"])
    assert f"best       {search.best(tmp_path / 'sweep')}" in second.stdout
