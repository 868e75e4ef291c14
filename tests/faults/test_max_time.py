"""``trainer.max_time`` ends a run like a signal; an older run with plusses in its overrides is resumed."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch

from colourize.runs import checkpoint, manifest, run_folder
from colourize.sweeps import stored_search
from tests.faults import probes
from tests.faults.processes import SMALL
from tests.faults.states import differences, saved, untimed_rows

HOURS = "trainer.max_time=00:01:00:00"
STATUS = 128 + signal.SIGUSR1


@pytest.mark.parametrize(
    ("step", "words", "place"),
    [
        (3, [], "in epoch 1 after batch 4"),
        (9, [], "after epoch 1"),
        (13, ["trainer.accumulate_grad_batches=3"], "in epoch 2 after batch 6"),
        (16, ["model=lookup"], "in epoch 2 after batch 7"),
    ],
)
def test_it_ends_as_after_a_signal_and_is_resumed_to_the_same_bits(run, resume, whole, tmp_path, step, words, place):
    if words:
        whole = tmp_path / "whole"
        assert run("whole", *words).wait() == 0
    late = run("late", HOURS, *words, probe=probes.late_in_step, given=(step,))
    assert late.wait() == STATUS
    line = (
        f"trainer.max_time=00:01:00:00 is over, saved {place}; resume with: python train.py resume={tmp_path / 'late'}"
    )
    assert late.stderr() == f"colourize: {line}\n"
    assert manifest.read(tmp_path / "late")["status"] == "interrupted"
    assert manifest.read(tmp_path / "late")["error"] == "trainer.max_time=00:01:00:00 is over"
    assert resume("late", "~trainer.max_time").wait() == 0
    last, best = (
        differences(*(saved(folder, kind) for folder in (whole, tmp_path / "late"))) for kind in ("last", "best")
    )
    assert last == [] and [path for path in best if not path.startswith("/config/trainer/max_time")] == []
    assert untimed_rows(whole) == untimed_rows(tmp_path / "late")


def test_a_resumed_run_has_the_whole_time_again_and_finishes_if_nothing_is_left(run, resume, tmp_path):
    assert run("late", HOURS, probe=probes.late_in_step, given=(5,)).wait() == STATUS
    assert resume("late", probe=probes.late_in_step, given=(7,)).wait() == STATUS
    assert saved(tmp_path / "late")["global_step"] == 8
    assert resume("late", probe=probes.late_in_step, given=(39,)).wait() == 0
    assert manifest.read(tmp_path / "late")["status"] == "finished"


def test_the_shortest_time_allows_one_batch(run, tmp_path):
    """Imports and loading take longer than the time: without a step, a requeued run would never finish."""
    moment = run("late", "trainer.max_time={milliseconds:1}")
    assert moment.wait() == STATUS
    assert "saved in epoch 1 after batch 1; resume" in moment.stderr()


def test_in_a_sweep_the_job_is_interrupted_and_the_others_continue(start, resume, tmp_path, cache):
    words = "--multirun", *SMALL, cache, HOURS, "kernel=1,2,3", "hydra.sweep.dir=sweep"
    done = start(*words, cwd=tmp_path, probe=probes.late_in_step, given=(13, 2))
    assert done.wait() == STATUS
    assert "job 1 (kernel=2) interrupted: trainer.max_time=00:01:00:00 is over" in done.stdout()
    assert states(tmp_path / "sweep") == ["finished", "interrupted", "finished"]
    assert resume("sweep").wait() == 0
    assert states(tmp_path / "sweep") == 3 * ["finished"]


def states(sweep):
    return [run_folder.state(sweep / str(number)) for number in range(3)]


def test_with_a_failed_job_the_status_of_the_sweep_is_one(start, tmp_path, cache):
    words = "--multirun", *SMALL, cache, "trainer.max_time={milliseconds:1}", "kernel=0,2"
    assert start(*words, "hydra.sweep.dir=sweep", cwd=tmp_path).wait() == 1


def test_parallel_jobs_are_interrupted_one_by_one(start, tmp_path, cache):
    words = "--multirun", *SMALL, cache, "trainer.max_time={milliseconds:1}", "kernel=1,2", "hydra.sweep.dir=sweep"
    parallel = "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"
    assert start(*words, *parallel, cwd=tmp_path, probe=probes.end_loky).wait() == STATUS
    for number in range(2):
        assert run_folder.state(tmp_path / f"sweep/{number}") == "interrupted"
        assert "is over, saved in epoch 1 after batch 1" in (tmp_path / f"sweep/{number}/output.txt").read_text()


def test_in_a_search_the_trial_stays_unfinished(start, resume, tmp_path, cache):
    words = "--multirun", *SMALL, cache, HOURS, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2"
    words = *words, "hydra.sweeper.prune_after=99", "kernel=choice(2,3)", "hydra.sweep.dir=search"

    def trials():
        found = stored_search.open_search(tmp_path / "search", make=False).trials
        return {trial.params["kernel"]: trial.state.name for trial in found}

    assert start(*words, cwd=tmp_path, probe=probes.late_in_step, given=(13, 2)).wait() == STATUS
    assert trials() == {"2": "RUNNING", "3": "COMPLETE"}
    assert resume("search").wait() == 0
    assert trials() == {"2": "COMPLETE", "3": "COMPLETE"}


def test_an_older_run_with_plusses_is_resumed_without_arguments_without_effect(run, resume, tmp_path):
    clip = "trainer.gradient_clip_val=1"
    assert run("whole", clip).wait() == 0
    assert run("old", clip, probe=probes.signal_in_step, given=(signal.SIGTERM, 13)).wait() == 143
    aged(tmp_path / "old", {"log_every_n_steps": 5, "inference_mode": True})
    assert resume("old").wait() == 0
    assert differences(saved(tmp_path / "whole"), saved(tmp_path / "old")) == []
    assert untimed_rows(tmp_path / "whole") == untimed_rows(tmp_path / "old")


def aged(folder: Path, arguments: dict) -> None:
    """Converts a run folder to the form written by the version before the schema."""
    words = [word.replace("trainer.", "+trainer.") for word in manifest.read(folder)["overrides"]]
    stored = json.loads((folder / manifest.NAME).read_text())
    stored["overrides"] = [*words, *(f"+trainer.{name}={value}" for name, value in arguments.items())]
    stored["config"]["trainer"] |= arguments
    (folder / manifest.NAME).write_text(json.dumps(stored))
    for file in (folder / "checkpoints").iterdir():
        contents = torch.load(file, weights_only=True)
        contents["config"]["trainer"] |= arguments
        os.remove(file)
        checkpoint.write(contents, file)
