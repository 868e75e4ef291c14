"""Which checkpoints an argument stands for."""

import shutil
import sys

import pytest

from colourize.__main__ import main
from colourize.errors import InputError
from colourize.loading import checkpoint_files, single_checkpoint


@pytest.fixture
def sweep(finished_run, tmp_path):
    """A sweep folder of four jobs, one of which has no checkpoint."""
    for job in ("0", "1", "10", "2"):
        (tmp_path / job / "checkpoints").mkdir(parents=True)
        (tmp_path / job / "run.json").write_text("{}")
        if job != "1":
            shutil.copy(finished_run / "checkpoints/last.ckpt", tmp_path / job / "checkpoints")
    return tmp_path


def test_a_folder_stands_for_its_last_checkpoint_and_a_sweep_for_all_its_runs(sweep):
    assert [file.parts[-3] for file in checkpoint_files(str(sweep))] == ["0", "2", "10"]
    assert checkpoint_files(str(sweep / "2")) == [sweep / "2/checkpoints/last.ckpt"]
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint_files(str(sweep / "1"))


def test_one_run_is_one_checkpoint_and_several_are_refused(sweep):
    assert single_checkpoint(str(sweep / "2")) == sweep / "2/checkpoints/last.ckpt"
    with pytest.raises(InputError, match=rf"holds 3 runs; pass one of them, such as {sweep / '0'}"):
        single_checkpoint(str(sweep))


@pytest.mark.parametrize("verb", ["hints", "decode-sweep", "calibrate"])
def test_a_verb_that_measures_one_run_takes_no_sweep_and_offers_no_baseline(verb, sweep, monkeypatch):
    for run, told in ((str(sweep), f"holds 3 runs; pass one of them, such as {sweep / '0'}"),
                      ("lookup", "lookup is no checkpoint, no run folder with a whole checkpoint and no sweep folder; "
                                 "pass one of these")):  # fmt: skip
        monkeypatch.setattr(sys, "argv", ["colourize", verb, run])
        with pytest.raises(SystemExit) as caught:
            main()
        assert str(caught.value).endswith(told)
