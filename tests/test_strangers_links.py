"""Run folders and sweep folders from strangers: links in them are not followed to write or delete."""

import shutil

import pytest

from colourize import files
from colourize.cli.main import main
from colourize.cli.train import train
from colourize.errors import InputError
from colourize.report.written import report
from colourize.runs import manifest
from colourize.runs.run_folder import claim
from tests import made_runs
from tests.conftest import TINY, knobs


@pytest.fixture
def sweep(tmp_path):
    """Two good runs, and a folder for a stranger's."""
    return made_runs.sweep(tmp_path / "sweep")


def test_a_report_follows_no_link_to_write_or_delete(sweep, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("pictures-01.png", "epochs-loss.svg"):
        (elsewhere / name).write_text("mine")
    (sweep / "report_files").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"report_files is a link to .*elsewhere, and links are not followed to write"):
        report([sweep], pictures=True)
    assert {file.name: file.read_text() for file in elsewhere.iterdir()} == {
        "pictures-01.png": "mine", "epochs-loss.svg": "mine"}  # fmt: skip
    assert not (sweep / "report.html").exists()
    (sweep / "report_files").unlink()
    (sweep / "report_files").mkdir()
    for name in ("pictures-98.png", "old.svg"):
        (sweep / "report_files" / name).symlink_to(elsewhere / "pictures-01.png")
    (sweep / "report_files/pictures-99.png").mkdir()
    (sweep / "report_files/pictures-97.png").touch()
    report([sweep])
    left = {file.name for file in (sweep / "report_files").iterdir()}
    assert {"pictures-98.png", "pictures-99.png", "old.svg"} < left and "pictures-97.png" not in left
    assert (elsewhere / "pictures-01.png").read_text() == "mine"


def test_a_link_in_place_of_a_file_is_replaced_and_its_target_stays(sweep, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "mine, too").write_text("mine")
    (sweep / "report.html").symlink_to(tmp_path / "mine")
    (sweep / "report.csv").symlink_to(tmp_path / "mine, too")
    report([sweep])
    files.replace_text(sweep / "0/run.json", "{}")
    (sweep / "1/run.json").unlink()
    (sweep / "1/run.json").symlink_to(tmp_path / "mine")
    manifest.write(sweep / "1", status="failed")
    assert (tmp_path / "mine").read_text() == (tmp_path / "mine, too").read_text() == "mine"
    assert not any((sweep / page).is_symlink() for page in ("report.html", "report.csv", "1/run.json"))


@pytest.mark.parametrize("name", ["checkpoints", "tensorboard", ".hydra", ".lock", "train.log"])
def test_a_run_follows_no_link_in_its_folder(finished_run, tmp_path, monkeypatch, capsys, name):
    folder, elsewhere = shutil.copytree(finished_run, tmp_path / "run"), tmp_path / "elsewhere"
    shutil.move(folder / name, elsewhere) if (folder / name).exists() else elsewhere.write_text("mine")
    if elsewhere.is_dir():
        (elsewhere / ".mine.tmp").touch()
    (folder / name).symlink_to(elsewhere)
    before = _state(elsewhere)
    message = f"{folder / name} is a link to {elsewhere}, and links are not followed"
    with pytest.raises(InputError, match=message), claim(folder, knobs(*TINY)):
        pass
    for words in ([f"resume={folder}", "max_epochs=3"], [*TINY, f"hydra.run.dir={folder}"]):
        monkeypatch.setattr("sys.argv", ["train.py", *words])
        with pytest.raises(SystemExit) as ended:
            train()
        assert str(ended.value.code).startswith(f"colourize: {message}")
    assert _state(elsewhere) == before


def _state(path):
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(file, file.stat().st_mtime_ns, file.stat().st_size) for file in found]


@pytest.mark.parametrize("name", ["multirun.yaml", "search.db", ".search.lock", "0/train.log", "0/checkpoints", "0"])
def test_a_sweep_follows_no_link_in_its_folder(sweep, tmp_path, monkeypatch, name):
    elsewhere = tmp_path / "elsewhere"
    shutil.move(sweep / name, elsewhere) if (sweep / name).exists() else elsewhere.write_text("mine")
    (sweep / name).symlink_to(elsewhere)
    before = _state(elsewhere)
    monkeypatch.setattr("sys.argv", ["train.py", "-m", *TINY, "seed=0,1", f"hydra.sweep.dir={sweep}"])
    with pytest.raises(SystemExit) as ended:
        train()
    assert str(ended.value.code).startswith(f"colourize: {sweep / name} is a link to {elsewhere}")
    assert _state(elsewhere) == before


def test_a_theory_demo_follows_no_link(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/theory.log").symlink_to(tmp_path / "mine")
    monkeypatch.setattr("sys.argv", ["colourize", "theory", "demo=minimum_norm", f"hydra.run.dir={tmp_path / 'out'}"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value.code).startswith(f"colourize: {tmp_path / 'out/theory.log'} is a link to")
    assert (tmp_path / "mine").read_text() == "mine"
