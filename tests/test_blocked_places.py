"""Run folders in which something else has the place of a file or a folder: refused at once, never waited for."""

import os
import shutil

import pytest

from colourize import files
from colourize.cli.train import train
from colourize.errors import InputError
from colourize.runs import run_folder
from colourize.runs.run_folder import check_places
from tests.conftest import TINY

KINDS = {"pipe": os.mkfifo, "folder": os.mkdir}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_refuses_a_folder_in_which_its_log_is_something_else(finished_run, tmp_path, monkeypatch, kind):
    folder = shutil.copytree(finished_run, tmp_path / "run")
    (folder / "train.log").unlink(missing_ok=True)
    KINDS[kind](folder / "train.log")
    for words in ([f"resume={folder}", "max_epochs=3"], [*TINY, f"hydra.run.dir={folder}"]):
        monkeypatch.setattr("sys.argv", ["train.py", *words])
        with pytest.raises(SystemExit) as ended:
            train()
        line = f"colourize: {folder / 'train.log'} must be a regular file; remove or rename it, or pass another folder"
        assert str(ended.value.code) == line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*files.OF_A_RUN, ".lock", "output.txt", "multirun.yaml", "search.db", "theory.log"])
def test_a_file_that_is_something_else_is_refused(tmp_path, name, kind):
    KINDS[kind](tmp_path / name)
    with pytest.raises(InputError, match=rf"{name} must be a regular file; remove or rename it, or pass another fold"):
        check_places(tmp_path)


@pytest.mark.parametrize("name", run_folder.FOLDERS)
def test_a_file_in_place_of_a_folder_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=rf"{name} must be a folder; remove or rename it, or pass another folder"):
        check_places(tmp_path)


def test_a_pipe_inside_a_folder_of_the_run_is_refused(tmp_path):
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard/plots").mkdir()  # of another tool: allowed
    check_places(tmp_path)
    os.mkfifo(tmp_path / "tensorboard/events.out.tfevents.1")
    with pytest.raises(InputError, match=r"tfevents.1 must be a regular file or a folder"):
        check_places(tmp_path)


def test_a_sweep_refuses_a_pipe_in_a_job(tmp_path, monkeypatch):
    (tmp_path / "0").mkdir()
    os.mkfifo(tmp_path / "0/train.log")
    monkeypatch.setattr("sys.argv", ["train.py", "-m", *TINY, "seed=0,1", f"hydra.sweep.dir={tmp_path}"])
    with pytest.raises(SystemExit) as ended:
        train()
    assert str(ended.value.code).startswith(f"colourize: {tmp_path}/0/train.log must be a regular file")


def test_a_folder_that_cannot_be_written_is_refused(finished_run, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere but on a read-only disk
    monkeypatch.setattr("sys.argv", ["train.py", f"resume={finished_run}", "max_epochs=3"])
    with pytest.raises(SystemExit) as ended:
        train()
    rule = "cannot be written; change its permissions, or pass another folder"
    assert str(ended.value.code) == f"colourize: {finished_run} {rule}"
