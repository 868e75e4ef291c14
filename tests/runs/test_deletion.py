"""``colourize runs --delete-failed`` deletes failed runs, and nothing else."""

import io
import shutil
import sys

import pytest
from filelock import FileLock

from colourize.cli.main import main
from colourize.runs import deletion, manifest
from tests.commands import refused


@pytest.fixture
def failed(tmp_path, monkeypatch):
    """Writes the folder of a failed run, as one that ended in its second epoch."""
    monkeypatch.chdir(tmp_path)

    def make(name, **entries):
        folder = tmp_path / "outputs" / name
        (folder / "checkpoints").mkdir(parents=True)
        manifest.write(folder, **{"status": "failed", "start": "1", "error": "no room", **entries})
        for file in ("checkpoints/last.ckpt", "train.log", ".lock"):
            (folder / file).touch()
        (folder / "metrics.csv").write_text("epoch,val/loss\n0,1\n")
        return folder

    return make


def typed(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["colourize", "runs", *words])
    main()


def test_failed_runs_are_deleted_and_named_and_others_stay(failed, monkeypatch, capsys):
    gone = failed("a"), failed("b")
    stay = failed("c", status="finished"), failed("d", status="interrupted"), failed("e", status="running")
    typed(monkeypatch, "--delete-failed", "--yes")
    printed = capsys.readouterr().out
    for folder in gone:
        assert not folder.exists()
        assert (
            f"outputs/{folder.name}: 1 epochs; no room\n" in printed and f"deleted outputs/{folder.name}\n" in printed
        )
    assert all((folder / "checkpoints/last.ckpt").exists() for folder in stay)
    typed(monkeypatch, "--delete-failed", "--yes")
    assert capsys.readouterr().out == "no failed run to delete\n"


@pytest.mark.parametrize(("answer", "deleted"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_a_question_comes_first(failed, monkeypatch, capsys, answer, deleted):
    folder, terminal = failed("a"), io.StringIO(answer)
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    if deleted:
        typed(monkeypatch, "--delete-failed")
    else:
        assert "nothing is deleted" in refused(monkeypatch, "runs", "--delete-failed")
    assert "delete this folder? [y/N]" in capsys.readouterr().out
    assert folder.exists() != deleted


def test_without_a_terminal_nothing_is_deleted_unless_yes_is_passed(failed, monkeypatch):
    folder = failed("a")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert refused(monkeypatch, "runs", "--delete-failed").endswith("answer y, or pass --yes")
    assert folder.exists()


def test_a_folder_with_anything_that_no_run_writes_is_kept(failed, monkeypatch, capsys, tmp_path):
    (failed("notes") / "notes.txt").touch()
    (failed("inner") / "checkpoints/run.json").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.ckpt").touch()
    (failed("link") / "checkpoints/kept").symlink_to(elsewhere)
    (failed("copy") / "checkpoints/good_epoch12.ckpt").touch()
    (failed("texts") / "csv").mkdir()
    (tmp_path / "outputs/texts/csv/notes.txt").touch()
    (failed("log") / "train.log").unlink()
    (tmp_path / "outputs/log/train.log").symlink_to(elsewhere / "mine.ckpt")
    typed(monkeypatch, "--delete-failed", "--yes")
    printed = capsys.readouterr().out
    for reason in (
        "notes: contains notes.txt, which no run writes",
        "inner: contains another run, checkpoints",
        "link: contains checkpoints/kept, which must be a regular file",
        "copy: contains checkpoints/good_epoch12.ckpt, which no run writes",
        "texts: contains csv/notes.txt, which no run writes",
        "log: contains train.log, which must be a regular file",
    ):
        assert f"kept outputs/{reason}\n" in printed
    kept = "notes", "inner", "link", "copy", "texts", "log"
    assert all((tmp_path / "outputs" / name / "run.json").exists() for name in kept)
    assert (elsewhere / "mine.ckpt").exists()


def test_what_a_run_writes_is_deleted_and_links_of_wandb_are_not_followed(finished_run, failed, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    (folder / "checkpoints/best.temperature.json").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    (folder / "wandb").mkdir()
    (folder / "wandb/latest-run").symlink_to(elsewhere)
    manifest.update(folder, status="failed")
    assert deletion.delete(folder) == ""
    assert not folder.exists() and (elsewhere / "mine").exists()


def test_a_link_to_a_failed_run_is_not_followed(failed, monkeypatch, tmp_path):
    folder = failed("a").rename(tmp_path / "real")
    (tmp_path / "outputs/a").symlink_to(folder)
    typed(monkeypatch, "--delete-failed", "--yes")
    assert (folder / "run.json").exists()
    assert deletion.delete(tmp_path / "outputs/a") == "is a link"


def test_a_run_that_started_after_the_question_is_kept(failed):
    folder = failed("a")
    with FileLock(folder / ".lock"):
        assert deletion.delete(folder) == "is in use"
    manifest.update(folder, status="finished")
    assert deletion.delete(folder) == "is finished, not failed"
    assert folder.exists()


def test_a_tag_chooses_among_the_runs(failed, monkeypatch, capsys):
    from tests.made_runs import config

    tagged, other = failed("a", config=config(tags=["old", "x"])), failed("b", config=config(name="mine"))
    typed(monkeypatch, "--tag", "old")
    assert "1 run, in" in (printed := capsys.readouterr().out) and "outputs/a  tags=[old,x]" in printed
    typed(monkeypatch)
    assert "outputs/b  name=mine" in capsys.readouterr().out
    typed(monkeypatch, "--delete-failed", "--yes", "--tag", "old")
    assert (tagged.exists(), other.exists()) == (False, True)


def test_switches_that_do_not_fit_are_refused(monkeypatch):
    assert "--yes answers the question of --delete-failed" in refused(monkeypatch, "runs", "--yes")
    assert "pass one of them" in refused(monkeypatch, "runs", "--json", "--delete-failed")
