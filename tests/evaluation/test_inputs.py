"""The checkpoints that an argument means, and whether a run was trained with the same pictures."""

import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.cli.main import main
from colourize.colour.spaces import RGB
from colourize.config.instantiate import builder
from colourize.data.labelled import fingerprint
from colourize.errors import InputError
from colourize.evaluation.inputs import checkpoint_files, single_checkpoint, unseen


@pytest.fixture
def sweep(finished_run, tmp_path):
    """A sweep folder of four jobs, one of which has no checkpoint."""
    for job in ("0", "1", "10", "2"):
        (tmp_path / job / "checkpoints").mkdir(parents=True)
        (tmp_path / job / "run.json").write_text("{}")
        if job != "1":
            shutil.copy(finished_run / "checkpoints/last.ckpt", tmp_path / job / "checkpoints")
    return tmp_path


def test_a_folder_means_its_last_checkpoint_and_a_sweep_all_its_runs(sweep):
    assert [file.parts[-3] for file in checkpoint_files(str(sweep))] == ["0", "2", "10"]
    assert checkpoint_files(str(sweep / "2")) == [sweep / "2/checkpoints/last.ckpt"]
    with pytest.raises(InputError, match="must be a checkpoint, a run folder"):
        checkpoint_files(str(sweep / "1"))


def test_one_run_is_one_checkpoint_and_several_are_refused(sweep):
    assert single_checkpoint(str(sweep / "2")) == sweep / "2/checkpoints/last.ckpt"
    with pytest.raises(InputError, match=rf"contains 3 runs; pass one of them, such as {sweep / '0'}"):
        single_checkpoint(str(sweep))


@pytest.mark.parametrize("verb", ["hints", "decode-curve", "calibrate"])
def test_a_command_for_one_run_refuses_sweeps_and_does_not_offer_floors(verb, sweep, monkeypatch):
    for run, message in (
        (str(sweep), f"contains 3 runs; pass one of them, such as {sweep / '0'}"),
        ("lookup", "lookup must be a checkpoint, a run folder with an undamaged checkpoint or a sweep folder"),
    ):
        monkeypatch.setattr(sys, "argv", ["colourize", verb, run])
        with pytest.raises(SystemExit) as caught:
            main()
        assert str(caught.value).endswith(message)


PALETTE = torch.tensor([[0.2, 0.3, 0.4], [0.6, 0.5, 0.4]])
SCENES = {"_target_": "colourize.data.scenes.load", "num_train": 60, "num_validation": 6, "image_size": 8}


def judged(trained, now):
    """Whether the pictures of a data node count as unseen by a run trained with another node."""
    before = fingerprint(builder("data", trained)(), PALETTE, RGB)
    run = SimpleNamespace(
        model=SimpleNamespace(palette=PALETTE, space=RGB), fingerprint=before, config={"data": trained}
    )
    return unseen(run, {"data": now}, builder("data", now)())


@pytest.fixture
def folder(tmp_path):
    """120 pictures without splits, as a data node."""
    (tmp_path / "pictures").mkdir()
    for number in range(120):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"pictures/{number}.png")
    root, cache = str(tmp_path / "pictures"), str(tmp_path / "cache")
    return {"_target_": "colourize.data.folder.load", "root": root, "cache_dir": cache, "image_size": 8}


@pytest.mark.parametrize(
    ("trained", "now", "expected"),
    [(0.1, 0.1, True), (0.05, 0.0, True), (0.0, 0.1, False), (0.2, 0.1, True), (0.1, 0.2, False)],
)
def test_whether_validation_pictures_were_trained_on_depends_on_the_shares(trained, now, expected):
    assert judged({**SCENES, "holdout": trained}, {**SCENES, "holdout": now}) is expected
    assert not judged({**SCENES, "holdout": trained}, {**SCENES, "holdout": now, "num_train": 50})


def test_a_folder_without_a_test_split_holds_out_a_tenth(folder):
    for trained, expected in ((0.3, True), (0.05, False)):
        assert judged({**folder, "holdout": trained}, {**folder, "holdout": 0.0}) is expected


def test_pictures_are_recognized_by_content_and_not_by_place(folder, tmp_path):
    moved = {**folder, "root": str(tmp_path / "moved")}
    shutil.copytree(folder["root"], moved["root"])
    assert judged(folder, moved)
    assert judged({**folder, "holdout": 0.3}, {**moved, "holdout": 0.1})
    run = SimpleNamespace(model=SimpleNamespace(palette=PALETTE, space=RGB), config={"data": folder})
    run.fingerprint = fingerprint(builder("data", folder)(), PALETTE, RGB)
    Image.effect_noise((8, 8), 50).convert("RGB").save(os.path.join(folder["root"], "0.png"))
    assert not unseen(run, {"data": folder}, builder("data", folder)())
