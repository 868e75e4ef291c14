"""Values in place of ``auto``: what a resumed run keeps, and what it refuses."""

import shutil

import pytest

from colourize.cli.train import train
from colourize.config import automatic
from colourize.errors import InputError


def test_only_a_sensible_stored_rate_is_taken():
    config = {"lr": "auto", "optimizer": {"lr": "auto", "eps": 1}, "scheduler": None}
    assert automatic.known(config, {"lr": 0.5}) == {**config, "lr": 0.5, "optimizer": {"lr": 0.5, "eps": 1}}
    for before in (None, {}, {"lr": "auto"}, {"lr": -1.0}, {"lr": float("nan")}):
        assert automatic.known(config, before) == config
    assert automatic.known({"lr": 0.1}, {"lr": 0.5}) == {"lr": 0.1}


@pytest.mark.parametrize("word", ["lr=auto", "precision=auto"])
def test_a_run_with_a_checkpoint_is_not_newly_asked_to_find_a_value(finished_run, tmp_path, monkeypatch, word):
    folder = shutil.copytree(finished_run, tmp_path / "run")
    monkeypatch.setattr("sys.argv", ["train.py", f"resume={folder}", "max_epochs=3", word])
    with pytest.raises(SystemExit) as ended:
        train()
    line = f"colourize: {word} is for a new run, and {folder} has a checkpoint; leave {word} out"
    assert str(ended.value.code) == line


def test_the_same_words_again_are_accepted():
    automatic.check_asked(["lr=auto", "seed=1"], ["seed=1", "lr=auto"], "run")
    with pytest.raises(InputError, match="lr=auto is for a new run"):
        automatic.check_asked(["lr=auto"], ["lr=0.1"], "run")
