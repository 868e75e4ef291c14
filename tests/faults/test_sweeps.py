"""Cases 31 to 34: sweeps and simultaneous runs."""

import csv
import json
import shutil
import signal
from datetime import datetime

import pytest

from colourize.report.written import report
from colourize.runs import manifest, run_folder
from colourize.sweeps import stored_search
from tests.faults import probes
from tests.faults.processes import SMALL
from tests.faults.states import assert_identical

KERNELS = 1, 2, 3


@pytest.fixture
def sweep(start, tmp_path, cache):
    """Starts a sweep over three kernels in the folder of a name."""

    def begin(name, *words, **settings):
        kernels = "kernel=" + ",".join(map(str, KERNELS))
        return start("--multirun", *SMALL, cache, kernels, f"hydra.sweep.dir={name}", *words, cwd=tmp_path, **settings)

    return begin


@pytest.fixture(scope="module")
def all_jobs(tmp_path_factory, cache):
    """Folder of the sweep without interruption."""
    from tests.faults.processes import Process

    folder = tmp_path_factory.mktemp("sweep")
    words = "--multirun", *SMALL, cache, "kernel=1,2,3", "hydra.sweep.dir=whole"
    assert Process(*words, cwd=folder).wait() == 0
    return folder / "whole"


def states(folder):
    return [run_folder.state(folder / str(number)) for number in range(3)]


def reported(folder):
    """The report without the folder's name and measured times, which differ between sweeps."""
    page, text, table = (folder / f"report.{kind}" for kind in ("html", "md", "csv"))
    report([folder], page, text, table)
    losses, *_ = text.read_text().partition("## Results")[2].split("\n\n| ")[1:]
    compared = text.read_text().partition("## Compared")[2].partition("## What varied")[0]
    charts = {file.name: file.read_bytes() for file in (folder / "report_files").iterdir() if "-per-s" not in file.name}
    del charts["seconds-final.svg"]
    timed = "job", "seconds", "images_per_second"
    rows = [[row[name] for name in row if name not in timed] for row in csv.DictReader(table.read_text().splitlines())]
    return losses, compared, charts, rows


@pytest.mark.case(31)
def test_31_failed_jobs_do_not_stop_others_and_the_table_lists_all(sweep, tmp_path, seen):
    done = sweep("sweep", "batch_size=4,0", probe=probes.fail_with_kernel, given=(2,))
    assert done.wait() == 1
    stored = [json.loads((tmp_path / f"sweep/{number}/run.json").read_text())["status"] for number in range(6)]
    assert stored == ["finished", "failed", "finished", "failed", "failed", "failed"]
    printed = done.stdout()
    assert "job 1 (batch_size=4 kernel=2) failed: no one foresaw this" in printed
    for number, kernel in ((3, 1), (4, 2), (5, 3)):
        assert f"job {number} (batch_size=0 kernel={kernel}) failed: batch_size must be >= 1, got 0" in printed
    seen("4 of 6 failed in two ways: 2 finished, exit 1, 4 lines")


@pytest.mark.case(32)
def test_32_sigterm_ends_the_sweep_and_names_the_unfinished_jobs(sweep, tmp_path, all_jobs, seen):
    stopped = sweep("sweep", probe=probes.signal_with_kernel, given=(2, signal.SIGTERM, 13))
    assert stopped.wait() == 143
    printed = stopped.stdout()
    assert "job 1 (kernel=2) interrupted: SIGTERM" in printed
    assert "job - (kernel=3) not begun" in printed
    assert "resume with: python train.py resume=sweep\n" in stopped.stderr()
    assert states(tmp_path / "sweep")[:2] == ["finished", "interrupted"]
    assert manifest.read(tmp_path / "sweep/2") == {}
    seen("exit 143, the interrupted and the job not begun named")


@pytest.mark.case(32)
def test_32_sigterm_ends_a_sweep_of_parallel_jobs(sweep, resume, tmp_path, all_jobs, seen):
    stopped = sweep("sweep", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "max_epochs=400", "save_every=5")
    stopped.wait_for(lambda: len(list((tmp_path / "sweep").glob("*/checkpoints/last.ckpt"))) == 2)
    stopped.signal(signal.SIGTERM)
    assert stopped.wait() == 143
    assert "(kernel=1) " in stopped.stdout() and "job - (kernel=3) not begun" in stopped.stdout()
    assert "resume with: python train.py resume=sweep\n" in stopped.stderr()
    assert not {"running", "finished"} & set(states(tmp_path / "sweep"))
    seen("two parallel jobs: exit 143, none left running")


@pytest.mark.case(33)
@pytest.mark.parametrize("again", ["same command", "resume"])
def test_33_a_killed_sweep_skips_finished_jobs_and_resumes_begun_ones(sweep, resume, tmp_path, all_jobs, seen, again):
    killed = sweep("sweep", "save_every=3", probe=probes.signal_with_kernel, given=(2, signal.SIGKILL, 28))
    assert killed.wait() == -signal.SIGKILL
    assert states(tmp_path / "sweep")[:2] == ["finished", "killed"]
    steps = tmp_path / "steps"
    settings = {"probe": probes.record_jobs, "given": (str(steps),)}
    done = resume("sweep", **settings) if again == "resume" else sweep("sweep", "save_every=3", **settings)
    assert done.wait() == 0
    trained = [tuple(map(int, line.split())) for line in steps.read_text().splitlines()]
    assert trained == [*((2, step) for step in range(26, 40)), *((3, step) for step in range(40))]
    for number in range(3):
        assert_identical(all_jobs / str(number), tmp_path / f"sweep/{number}")
        assert manifest.read(tmp_path / f"sweep/{number}")["metrics"]["val/loss"] == pytest.approx(
            manifest.read(all_jobs / str(number))["metrics"]["val/loss"], abs=0
        )
    assert "3 jobs" in done.stdout()
    assert reported(tmp_path / "sweep") == reported(all_jobs)
    seen(f"{again}: 0 + 14 + 40 steps, three jobs and their report identical")


@pytest.mark.case(33)
def test_33_a_killed_search_ends_like_an_uninterrupted_one(start, tmp_path, cache, seen):
    words = (
        "--multirun",
        *SMALL,
        cache,
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=3",
        "hydra.sweeper.prune_after=99",
    )
    words = *words, "kernel=choice(1,2,3)", "lr=tag(log,interval(1e-4,1e-2))", "save_every=3"

    def searched(name, **settings):
        done = start(*words, f"hydra.sweep.dir={name}", cwd=tmp_path, **settings).wait()
        trials = stored_search.open_search(tmp_path / name, make=False).trials
        return done, [(trial.params, trial.state.name, trial.intermediate_values, trial.value) for trial in trials]

    whole = searched("whole")
    assert whole[0] == 0
    second = whole[1][1][0]["kernel"]
    killed = searched("killed", probe=probes.signal_with_kernel, given=(int(second), signal.SIGKILL, 28))
    assert killed[0] == -signal.SIGKILL and "RUNNING" in [state for _, state, _, _ in killed[1]]
    assert searched("killed") == whole
    seen("a search: the same trials, values and losses")


@pytest.mark.case(33)
def test_33_failed_jobs_are_tried_again(sweep, tmp_path, all_jobs, seen):
    assert sweep("sweep", probe=probes.fail_with_kernel, given=(2,)).wait() == 1
    assert states(tmp_path / "sweep") == ["finished", "failed", "finished"]
    assert sweep("sweep").wait() == 0
    for number in range(3):
        assert_identical(all_jobs / str(number), tmp_path / f"sweep/{number}")
    seen("a failed job is tried again")


@pytest.mark.case(33)
def test_33_another_sweep_in_the_folder_overwrites_nothing(sweep, resume, tmp_path, all_jobs, seen):
    shutil.copytree(all_jobs, tmp_path / "sweep")
    before = (tmp_path / "sweep/0/checkpoints/last.ckpt").read_bytes()
    other = sweep("sweep", "seed=5")
    assert other.wait() == 1
    assert "sweep/0 was trained with seed=0, not 5; pass seed=0, or start a new run" in other.stdout()
    assert (tmp_path / "sweep/0/checkpoints/last.ckpt").read_bytes() == before
    assert states(tmp_path / "sweep") == ["finished"] * 3
    assert resume("sweep").wait() == 0
    seen("another sweep there: refused, exit 1; the first one can be resumed")


@pytest.mark.case(33)
def test_33_a_finished_sweep_with_equivalent_overrides_is_still_finished(start, tmp_path, all_jobs, cache, seen):
    shutil.copytree(all_jobs, tmp_path / "sweep")
    words = "kernel=1,2,3", *reversed(SMALL), cache, "save_every=7", "hydra.sweep.dir=sweep"
    again = start("--multirun", *words, cwd=tmp_path)
    assert again.wait() == 0
    assert again.stdout().count("is finished: nothing to do") == 3
    assert "not begun" not in again.stdout()
    seen("other words: 3 finished, exit 0")


@pytest.mark.case(34)
def test_34_runs_that_start_together_have_different_folders(start, tmp_path, cache, seen):
    processes = [start(*SMALL, cache, "max_epochs=1", cwd=tmp_path) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    folders = [file.parent for file in tmp_path.glob("outputs/*/*/run.json")]
    assert len(folders) == 4
    for folder in folders:
        assert_identical(folders[0], folder)
    begun = [datetime.fromisoformat(manifest.read(folder)["start"]) for folder in folders]
    seen(f"4 folders within {(max(begun) - min(begun)).total_seconds():.2f} s")
