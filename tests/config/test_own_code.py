"""The user's own network and data source: trained, resumed, evaluated, compared, reported."""

import logging
import shutil
import sys
from pathlib import Path

import pytest

from colourize.errors import InputError
from colourize.evaluation.comparison import evaluate
from colourize.report.written import report
from colourize.tasks.chosen import train
from tests.conftest import QUICK, knobs

SOURCE = """
from colourize.data.scenes import load as scenes

def load(num_train: int = 24, num_validation: int = 12, image_size: int = 8):
    return scenes(num_train, num_validation, image_size)
"""
NETWORK = """
from torch import nn

class Small(nn.Module):
    def __init__(self, num_colours: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, num_colours, 3, padding=1)

    def forward(self, grey):
        return self.layer(grey)

class Other(Small):
    pass
"""
WORDS = [word for word in QUICK if not word.startswith("data")]
OWN = ["~data", "+data={_target_: mydata.load}", "~model", "+model={_target_: mynets.Small, num_colours: 4}"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Two modules of the user in a working directory; and their knobs."""
    (tmp_path / "mydata.py").write_text(SOURCE)
    (tmp_path / "mynets.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda *words: knobs(*WORDS, *OWN, f"cache_dir={tmp_path / 'cache'}", *words)
    for name in ("mydata", "mynets"):
        sys.modules.pop(name, None)


def test_the_user_s_own_source_and_network_work_in_all_commands(own, tmp_path, capsys):
    train(own(), tmp_path / "a", OWN)
    train(own("max_epochs=3"), tmp_path / "a", OWN)
    train(own("seed=1"), tmp_path / "b", [*OWN, "seed=1"])
    with pytest.raises(InputError, match=r"got mynets\.Small; your own code runs only where the command names it"):
        evaluate([str(tmp_path / "a")], num_resamples=10)
    rows = evaluate([str(tmp_path / "a"), str(tmp_path / "b")], num_resamples=10, trusted=["mynets", "mydata"])
    assert [row.name for row in rows if row.kind == "model"] == [
        "Small max_epochs=3 seed=0",
        "Small max_epochs=2 seed=1",
    ]
    assert "was trained with other pictures" not in capsys.readouterr().out
    report([tmp_path / "a", tmp_path / "b"])
    assert "mydata.load" in (tmp_path / "report.md").read_text()


def test_a_fork_of_an_own_network_is_trained_if_the_command_names_it(own, tmp_path):
    train(own(), tmp_path / "a")
    fork = f"ckpt_path={tmp_path / 'a/checkpoints/last.ckpt'}"
    assert train(own(fork, "max_epochs=3"), tmp_path / "b")["epoch"] == 2
    with pytest.raises(InputError, match=r"model must be an option of colourize, got mynets\.Small"):
        train(knobs(*QUICK, f"cache_dir={tmp_path / 'cache'}", fork, "max_epochs=3"), tmp_path / "c")


def test_a_user_s_own_network_is_named_by_its_whole_path(own, tmp_path):
    train(own(), tmp_path / "a")
    word = "model._target_=mynets.Other"
    with pytest.raises(
        InputError, match=r"trained with model\._target_=mynets\.Small, not mynets\.Other; pass model\._t"
    ):
        train(own(word, f"ckpt_path={tmp_path / 'a/checkpoints/last.ckpt'}", "max_epochs=3"), tmp_path / "b")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("nn.Conv2d(3, num_colours, 3, padding=1)", "got RuntimeError: Given groups=1"),
        ("nn.Conv2d(1, num_colours, 3)", r"got \[1, 4, 6, 6\] for N = 1"),
        ("nn.Conv2d(1, 5, 3, padding=1)", r"got \[1, 5, 8, 8\] for N = 1"),
    ],
)
def test_a_network_of_the_wrong_shape_is_reported_before_it_is_trained(own, tmp_path, layer, message):
    (tmp_path / "mynets.py").write_text(NETWORK.replace("nn.Conv2d(1, num_colours, 3, padding=1)", layer))
    rule = r"mynets\.Small must take grey \[N, 1, H, W\] and give logits \[N, 4, H, W\], "
    with pytest.raises(InputError, match=rule + message):
        train(own(), tmp_path / "a")


@pytest.fixture
def moved(picture_folder, tmp_path):
    """A run on pictures that were moved afterwards: its overrides, its folder, the new folder of the pictures."""
    words = [*WORDS, "data=folder", "image_size=8", f"cache_dir={tmp_path / 'cache'}"]
    train(knobs(*words, f"data.root={picture_folder}"), tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    now = Path(shutil.move(picture_folder, tmp_path / "elsewhere"))
    return words, tmp_path / "run", now


def test_a_run_with_moved_pictures_is_resumed_and_logs_it(moved, caplog):
    words, run, now = moved
    with caplog.at_level(logging.WARNING):
        assert train(knobs(*words, f"data.root={now}", "max_epochs=3"), run)["epoch"] == 2
    assert f"are the same in data.root={now}" in caplog.text
    with pytest.raises(InputError, match="data.root"):
        train(knobs(*words, f"data.root={now}x", "max_epochs=4"), run)


def test_a_finished_run_with_moved_pictures_is_not_trained_again(moved):
    words, run, now = moved
    before = (run / "metrics.csv").read_bytes()
    assert train(knobs(*words, f"data.root={now}"), run)["epoch"] == 1
    assert (run / "metrics.csv").read_bytes() == before


def test_other_pictures_are_refused_in_any_folder(moved, root):
    words, run, now = moved
    next(iter((now / "train/cat").iterdir())).unlink()
    with pytest.raises(InputError, match="was trained on other pictures or another palette than the present ones"):
        train(knobs(*words, f"data.root={now}", "max_epochs=3"), run)


def test_evaluation_recognizes_moved_pictures(moved, capsys):
    _, run, now = moved
    evaluate([str(run)], [f"data.root={now}"], num_resamples=10)
    assert "was trained with other pictures" not in capsys.readouterr().out
    next(iter((now / "train/cat").iterdir())).unlink()
    evaluate([str(run)], [f"data.root={now}"], num_resamples=10)
    assert "was trained with other pictures" in capsys.readouterr().out
