import pytest
from omegaconf import OmegaConf

from colourize import manifest
from colourize.sweep import Summary, started_jobs


def write(folder, **entries):
    folder.mkdir(parents=True)
    manifest.write(folder, **entries)


def finished(summary, sweep):
    summary.on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(sweep)}}}))


def job(overrides, status="finished", **entries):
    return {"overrides": overrides, "status": status, "start": manifest.now(), **entries}


def test_a_failed_job_is_named_however_its_overrides_look(tmp_path, capsys):
    summary = Summary()
    summary.on_multirun_start(OmegaConf.create({}))
    write(tmp_path / "a/0", **job(["data=scenes", "classes=[meadow,coast]"], metrics={"val/loss": 1.0}))
    write(tmp_path / "a/1", **job(["data=scenes", "palette=x[/y].npy"], "failed", error="x[/y].npy: no such file"))
    with pytest.raises(SystemExit) as caught:
        finished(summary, tmp_path)
    assert caught.value.code == 1
    said = capsys.readouterr().out
    assert "2 jobs" in said
    assert "classes=[meadow,coast]" in said
    assert "job a/1 (palette=x[/y].npy) failed: x[/y].npy: no such file" in said


def test_what_an_earlier_sweep_left_in_the_folder_does_not_count(tmp_path, capsys):
    write(tmp_path / "2", **job([], "failed", error="old"))
    summary = Summary()
    summary.on_multirun_start(OmegaConf.create({}))
    write(tmp_path / "0", **job([], metrics={"val/loss": 1.0}))
    finished(summary, tmp_path)
    assert "1 jobs" in capsys.readouterr().out


def test_jobs_stand_in_the_order_of_starting(tmp_path):
    since = manifest.now()
    for name in ("10", "2", "1"):
        write(tmp_path / name, **job([]))
    assert list(started_jobs(tmp_path, since)) == ["10", "2", "1"]
