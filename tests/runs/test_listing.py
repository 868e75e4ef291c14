import json
import math

import pytest

from colourize.errors import InputError
from colourize.runs import listing, manifest
from tests.conftest import QUICK


def test_a_run_is_listed_with_its_state_progress_and_best_result(finished_run):
    (run,) = listing.found([finished_run])
    metrics = manifest.read(finished_run)["metrics"]
    assert (run.state, run.epochs, run.max_epochs) == ("finished", 2, 2)
    assert run.best == pytest.approx(metrics["best/val/loss"])
    assert run.last == pytest.approx(metrics["val/loss"])


def test_a_running_status_without_a_process_means_killed(tmp_path, capsys):
    for name, start, status in (("b", "2", "running"), ("a", "1", "failed")):
        (tmp_path / name).mkdir()
        manifest.write(tmp_path / name, status=status, start=start, overrides=list(QUICK), error="[no] room")
    assert [(run.folder, run.state) for run in listing.found([tmp_path])] == [
        (str(tmp_path / "a"), "failed"),
        (str(tmp_path / "b"), "killed"),
    ]
    listing.show([tmp_path])
    printed = capsys.readouterr().out
    assert "2 runs" in printed
    assert f"resume with: python train.py resume={tmp_path / 'b'}" in printed


def test_a_failed_run_is_offered_only_if_it_has_saved_and_with_what_will_happen(tmp_path, capsys):
    (tmp_path / "setting").mkdir()
    manifest.write(tmp_path / "setting", status="failed", start="1", error="lr must be > 0, got -1.0")
    listing.show([tmp_path])
    assert "resume" not in capsys.readouterr().out
    (tmp_path / "disk/checkpoints").mkdir(parents=True)
    (tmp_path / "disk/checkpoints/last.ckpt").touch()
    manifest.write(tmp_path / "disk", status="failed", start="0", error="no space left")
    listing.show([tmp_path])
    line = (
        f"a failed run fails again until its cause is removed; then resume with: python train.py resume={tmp_path}/disk"
    )
    assert capsys.readouterr().out.splitlines()[-1] == line


def test_damaged_rows_of_epochs_are_left_out_and_a_loss_of_nan_is_reported(tmp_path, capsys):
    manifest.write(tmp_path, status="failed", start="1")
    (tmp_path / "metrics.csv").write_text("epoch,val/loss\n0,1.5\n1,nan\n2,\n")
    (run,) = listing.found([tmp_path])
    assert (run.epochs, run.best) == (3, 1.5) and math.isnan(run.last)
    listing.show([tmp_path], as_json=True)
    assert json.loads(capsys.readouterr().out)["last"] is None
    (tmp_path / "metrics.csv").write_bytes(b"\xff\x00epoch\n,,,\n")
    (run,) = listing.found([tmp_path])
    assert (run.epochs, run.best, run.last) == (0, None, None)


def test_a_pruned_run_is_listed_as_such_and_not_resumed(tmp_path, capsys):
    manifest.write(tmp_path, status="finished", start="1", pruned=True)
    listing.show([tmp_path])
    assert [run.state for run in listing.found([tmp_path])] == ["pruned"]
    assert "resume with" not in capsys.readouterr().out


def test_entries_of_a_wrong_type_are_ignored(tmp_path, capsys):
    (tmp_path / "run.json").write_text('{"config": null, "overrides": [5], "error": {}, "start": 3, "status": []}')
    listing.show([tmp_path])
    assert "unknown" in capsys.readouterr().out


def test_json_is_one_object_a_line(finished_run, capsys):
    listing.show([finished_run], as_json=True)
    assert [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()] == ["finished"]


def test_a_missing_folder_is_reported(tmp_path, monkeypatch, capsys):
    with pytest.raises(InputError, match="missing is not a folder"):
        listing.found([tmp_path / "missing"])
    monkeypatch.chdir(tmp_path)
    listing.show([])
    assert "0 runs" in capsys.readouterr().out
