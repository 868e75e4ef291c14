import json

import pytest

from colourize.runs import listing, manifest, queue, run_folder
from colourize.runs.run_folder import claim
from tests.conftest import QUICK, knobs


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Puts a program ``squeue`` of a text on the path, which counts its calls."""

    def put(script):
        (tmp_path / "bin").mkdir(exist_ok=True)
        program = tmp_path / "bin/squeue"
        program.write_text(f"#!/bin/sh\necho called >> {tmp_path}/calls\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
        return lambda: (tmp_path / "calls").read_text().count("called") if (tmp_path / "calls").exists() else 0

    return put


def runs(home, **jobs):
    """Folders of queued, killed and finished runs with their jobs."""
    for name, (status, job) in jobs.items():
        (home / "runs" / name).mkdir(parents=True)
        manifest.write(home / "runs" / name, status=status, start=name, overrides=list(QUICK), job=job)
    return [home / "runs"]


def test_the_list_shows_what_the_queue_says_and_asks_it_once(squeue, tmp_path, capsys):
    calls = squeue("echo '12_0|PENDING|Priority'; echo '12_1|RUNNING|None'; echo '9|RUNNING|None'; echo 'odd'")
    folders = runs(
        tmp_path, a=("queued", "12_0"), b=("running", "12_1"), c=("finished", "9"), d=("queued", "13"),
        e=("interrupted", "14"), f=("interrupted", "12_0"),
    )  # fmt: skip
    found = listing.found(folders)
    assert [run.state for run in found] == ["queued", "running", "finished", "killed", "interrupted", "queued"]
    assert [run.queue for run in found][:3] == ["PENDING (Priority)", "RUNNING (None)", ""]
    assert calls() == 1
    listing.show(folders)
    assert "Slurm job 12_0: PENDING (Priority)" in capsys.readouterr().out
    listing.show(folders, as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[0])["queue"] == "PENDING (Priority)"
    assert calls() == 3


def test_a_queue_that_does_not_answer_is_not_awaited(squeue, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(queue, "ANSWERS", 0.2)
    squeue("exec sleep 60")
    assert [run.state for run in listing.found(runs(tmp_path, a=("queued", "12")))] == ["queued"]
    assert capfd.readouterr().err == "colourize: squeue has not answered: states without the queue\n"
    squeue("exit 1")
    assert queue.states(["12"]) is None


def test_the_queue_is_asked_only_about_jobs_of_slurm_that_are_not_over(squeue, tmp_path):
    calls = squeue("")
    listing.found(runs(tmp_path, a=("finished", "12"), b=("failed", "13")))
    assert calls() == 0


@pytest.mark.parametrize(
    ("environ", "job"),
    [
        ({}, ""),
        ({"SLURM_JOB_ID": "7"}, "7"),
        ({"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}, "7_2"),
        ({"SLURM_JOB_ID": "7;rm"}, ""),
    ],
)
def test_the_job_of_a_process(environ, job):
    assert queue.own_job(environ) == job


def test_a_run_remembers_its_job_and_a_later_start_elsewhere_forgets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with claim(tmp_path, knobs()) as held:
        held.begin(environment={})
        assert manifest.read(tmp_path)["job"] == "7"
    monkeypatch.delenv("SLURM_JOB_ID")
    with claim(tmp_path, knobs()) as held:
        held.begin(environment={})
    assert "job" not in manifest.read(tmp_path)


def test_a_job_in_the_queue_is_noted_in_its_folder_but_replaces_no_run(tmp_path):
    run_folder.enqueue(tmp_path / "new", ["seed=1"], ["hydra.searchpath=[a]"], "7_0")
    assert manifest.read(tmp_path / "new")["status"] == run_folder.state(tmp_path / "new") == "queued"
    manifest.write(tmp_path, status="finished", metrics={"val/loss": 1.0})
    run_folder.enqueue(tmp_path, ["seed=1"], [], "7_0")
    assert manifest.read(tmp_path) == {"status": "finished", "metrics": {"val/loss": 1.0}}
    manifest.write(tmp_path, status="interrupted", starts=3)
    run_folder.enqueue(tmp_path, ["seed=1"], [], "7_0")
    assert manifest.read(tmp_path) == {"status": "interrupted", "starts": 3, "job": "7_0"}
