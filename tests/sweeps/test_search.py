import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf
from optuna.trial import TrialState

from colourize.errors import InputError
from colourize.runs import manifest
from colourize.sweeps import search, stored_search

ROOT = Path(__file__).parent.parent.parent


class Launcher:
    """Replaces Hydra's launcher. Each job returns (log10 lr + 2)^2; a job in ``ends`` returns or raises that value."""

    def __init__(self, ends=None):
        self.ends, self.ran, self.at_once = ends or {}, [], []

    def launch(self, jobs, initial_job_idx):
        self.at_once.append(len(jobs))
        found = []
        for number, words in enumerate(jobs, start=initial_job_idx):
            self.ran.append((number, tuple(words)))
            end = self.ends.get(number)
            if isinstance(end, BaseException):
                raise end
            rate = float(dict(word.split("=") for word in words)["lr"])
            found.append(SimpleNamespace(return_value=(math.log10(rate) + 2) ** 2 if end is None else end))
        return found


def searched(folder, launcher, n_trials=12, n_jobs=1, arguments=("kernel=3",), lr="tag(log,interval(1e-5,1))", **more):
    made = search.Search({"lr": lr}, n_trials, **{"seed": 0, "random_trials": 4, "prune_after": 1, **more})
    made.job_config = OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}, "launcher": {"n_jobs": n_jobs}}})
    made.context, made.launcher = SimpleNamespace(config_loader=None), launcher
    made.validate_batch_is_legal = lambda batch: None
    made.sweep(list(arguments))
    return launcher.ran


def trials(folder):
    return stored_search.open_search(folder, 4, 1).trials


def test_job_n_is_trial_n_and_runs_with_its_values_and_the_fixed_ones(tmp_path):
    ran = searched(tmp_path, Launcher(), n_jobs=2)
    assert [number for number, _ in ran] == list(range(12))
    for (_, words), trial in zip(ran, trials(tmp_path), strict=True):
        assert words[0] == "kernel=3"
        assert float(words[1].removeprefix("lr=")) == pytest.approx(trial.params["lr"], rel=1e-5)
        assert trial.value == pytest.approx((math.log10(trial.params["lr"]) + 2) ** 2, abs=1e-4)


def test_the_best_trial_is_written_as_overrides(tmp_path):
    assert stored_search.best(tmp_path) == ""
    searched(tmp_path, Launcher())
    values = [trial.value for trial in trials(tmp_path)]
    printed = OmegaConf.load(tmp_path / stored_search.RESULTS)
    assert printed.best_value == min(values) and values[printed.best_job] == min(values)
    assert stored_search.best(tmp_path).startswith(f"job {printed.best_job}, val/loss {min(values):.4f}: lr=")


def test_a_killed_search_makes_the_same_proposals_as_an_uninterrupted_one(tmp_path):
    whole = searched(tmp_path / "whole", Launcher())
    cut = Launcher({6: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "cut", cut)
    assert trials(tmp_path / "cut")[6].state is TrialState.RUNNING
    after = searched(tmp_path / "cut", Launcher())
    assert after[0][0] == 6, "unfinished trials run first, in their own folders"
    assert [*cut.ran[:6], *after] == whole


def test_failed_and_pruned_jobs_are_reported_to_optuna(tmp_path):
    class Marking(Launcher):
        def launch(self, jobs, initial_job_idx):
            if initial_job_idx == 3:
                opened = stored_search.open_search(tmp_path, 4, 1)
                opened._storage.set_trial_user_attr(opened.trials[3]._trial_id, stored_search.PRUNED, 2)
            return super().launch(jobs, initial_job_idx)

    searched(tmp_path, Marking({1: math.nan}), n_trials=5)
    states = [trial.state for trial in trials(tmp_path)]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (["kernel=5"], r"with kernel=3, not kernel=5"),
        (["kernel=3", "max_epochs=9"], r"without max_epochs=9"),
        (["kernel=choice(3,7)"], r"with kernel=3, not kernel=choice\(3,7\)"),
    ],
)
def test_another_search_in_the_same_folder_is_refused_and_changes_nothing(tmp_path, other, message):
    searched(tmp_path, Launcher(), n_trials=2)
    before = trials(tmp_path)
    with pytest.raises(
        InputError, match=rf"contains a search {message}; pass the same overrides, or another hydra\.sweep\.dir"
    ):
        searched(tmp_path, Launcher(), n_trials=4, arguments=other)
    assert trials(tmp_path) == before
    words = ["save_every=7", "kernel=3", "cache_dir=elsewhere"]  # without effect on the results
    assert len(searched(tmp_path, Launcher(), n_trials=4, arguments=words)) == 2


def test_a_search_without_values_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a search requires values to choose from"):
        searched(tmp_path, Launcher(), arguments=["lr=0.1"])


def test_a_folder_of_runs_without_a_search_is_refused(tmp_path):
    (tmp_path / "0").mkdir()
    manifest.write(tmp_path / "0", status="finished")
    with pytest.raises(InputError, match=r"contains runs that do not belong to a search"):
        searched(tmp_path, Launcher())
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_a_second_search_in_a_folder_is_refused_at_once(tmp_path):
    class Second(Launcher):
        def launch(self, jobs, initial_job_idx):
            with pytest.raises(InputError, match=r"is in use by another search"):
                searched(tmp_path, Launcher())
            return super().launch(jobs, initial_job_idx)

    assert len(searched(tmp_path, Second(), n_trials=2)) == 2


@pytest.mark.parametrize(
    "bad", [{"n_trials": "abc"}, {"n_trials": 0}, {"prune_after": -1}, {"random_trials": -1}, {"seed": -5}]
)
def test_invalid_settings_are_refused_before_anything_is_written(tmp_path, bad):
    with pytest.raises(InputError, match=rf"hydra\.sweeper\.{next(iter(bad))} must be an integer >= \d, got "):
        searched(tmp_path / "new", Launcher(), **bad)
    assert not (tmp_path / "new").exists()


def test_without_optuna_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError) as caught:
        searched(tmp_path, Launcher())
    remedy = "pip install '.[sweep]' in a checkout, 'FILE.whl[sweep]' from a wheel"
    assert str(caught.value) == f"a search requires Optuna: {remedy}"


def test_two_searches_make_the_same_proposals_only_with_the_same_seed(tmp_path):
    found = [
        [trial.params["lr"] for trial in trials(folder)]
        for folder, seed in ((tmp_path / "a", 0), (tmp_path / "b", 1), (tmp_path / "c", 0))
        if searched(folder, Launcher(), n_trials=6, seed=seed)
    ]
    assert not set(found[0]) & set(found[1]) and found[0] == found[2]


def test_unfinished_trials_run_in_parallel_as_before(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, Launcher({2: KeyboardInterrupt()}), n_jobs=2)
    again = Launcher()
    searched(tmp_path, again, n_trials=6, n_jobs=2)
    assert again.at_once == [2, 2] and [number for number, _ in again.ran] == [2, 3, 4, 5]


def test_no_setting_runs_twice_and_a_search_ends_when_all_were_tried(tmp_path, caplog):
    ran = searched(tmp_path, Launcher(), arguments=["kernel=choice(3,5)"], lr="choice(0.1,0.01,0.001)")
    assert len(ran) == len({words for _, words in ran}) == 6
    assert "1000 draws gave no new setting: the search ends after 6 jobs" in caplog.text


def test_a_job_without_a_loss_failed(tmp_path):
    class Silent(Launcher):
        def launch(self, jobs, initial_job_idx):
            return [SimpleNamespace(return_value=None) for _ in super().launch(jobs, initial_job_idx)]

    searched(tmp_path, Silent(), n_trials=1)
    assert trials(tmp_path)[0].state is TrialState.FAIL


def test_a_trial_fails_if_its_new_start_is_refused(tmp_path):
    """The manifest keeps the earlier status "interrupted"; its entry "refused" is the end of this start."""

    class Ended(Launcher):
        def launch(self, jobs, initial_job_idx):
            folder = tmp_path / str(initial_job_idx)
            folder.mkdir(exist_ok=True)
            self.write(folder, list(jobs[0]))
            super().launch(jobs, initial_job_idx)
            runtime = OmegaConf.create({"hydra": {"runtime": {"output_dir": str(folder)}}})
            return [SimpleNamespace(return_value=math.nan, hydra_cfg=runtime)]

    class Stopped(Ended):
        def write(self, folder, words):
            manifest.write(folder, status="interrupted", overrides=words, config={"seed": 0})

    class Refused(Ended):
        def write(self, folder, words):
            manifest.note_failure(folder, words, "kernel=0 is too small")

    for launcher, state in (
        (Stopped(), TrialState.RUNNING),
        (Stopped(), TrialState.RUNNING),
        (Refused(), TrialState.FAIL),
    ):
        assert searched(tmp_path, launcher, n_trials=1)[0][0] == 0
        assert [trial.state for trial in trials(tmp_path)] == [state]


@pytest.mark.parametrize("name", ["a?b=1", "{a}", "50 %41", "ü"])
def test_the_database_is_in_the_sweep_folder_for_any_folder_name(tmp_path, name):
    searched(tmp_path / name, Launcher(), n_trials=1)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {stored_search.DATABASE, stored_search.RESULTS} <= {path.name for path in (tmp_path / name).iterdir()}


def test_a_damaged_database_gives_a_one_line_error_and_damaged_results_are_ignored(tmp_path, caplog):
    searched(tmp_path, Launcher(), n_trials=2)
    (tmp_path / stored_search.RESULTS).write_text("best_job: {")
    assert stored_search.best(tmp_path) == "" and "is damaged" in caplog.text
    (tmp_path / stored_search.DATABASE).write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match=r"search\.db cannot be used \(.*\); move it away") as caught:
        searched(tmp_path, Launcher())
    assert "\n" not in str(caught.value)


def test_fewer_trials_than_stored_run_nothing_and_log_no_warning(tmp_path, caplog):
    searched(tmp_path, Launcher(), n_trials=4)
    assert searched(tmp_path, Launcher(), n_trials=2) == []
    assert "no new setting" not in caplog.text


def test_the_next_start_writes_a_best_trial_that_a_kill_left_unwritten(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:  # killed after the loss was stored
        patched.setattr(search, "write_best", lambda *args: None)
        searched(tmp_path, Launcher({0: 1.5}), n_trials=1)
    assert stored_search.best(tmp_path) == "" and searched(tmp_path, Launcher(), n_trials=1) == []
    assert stored_search.best(tmp_path).startswith("job 0, val/loss 1.5000: lr=")


def test_reading_a_database_does_not_change_it(tmp_path):
    (tmp_path / stored_search.DATABASE).write_bytes(b"")
    with pytest.raises(InputError, match=r"search\.db cannot be used"):
        stored_search.open_search(tmp_path, make=False)
    assert (tmp_path / stored_search.DATABASE).read_bytes() == b""
