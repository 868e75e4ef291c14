"""Detectors besides YOLOX in whole runs, from scratch: trained, resumed, measured, used."""

import json
import signal

import numpy as np
import pytest
import torch

from colourize.config.compose import plain
from colourize.errors import Interrupted
from colourize.inference.detection import detected, opening
from colourize.inference.planned import Job
from colourize.tasks.chosen import train
from colourize.tasks.detection.module import Detector
from tests.conftest import composed
from tests.drawn_pictures import landscape
from tests.faults.states import assert_identical
from tests.interrupting import in_step
from tests.trained import rows, weights

pytestmark = pytest.mark.slow
SMALL = (
    "task=detection", "data.num_train=4", "data.num_validation=2", "image_size=64", "batch_size=2", "max_epochs=2",
    "logger=none", "trainer.enable_progress_bar=false",
)  # fmt: skip
NETWORKS = {
    "torchvision": ["model=torchvision_detector", "model.name=ssdlite320_mobilenet_v3_large"],
    "yolov3": ["model=yolov3", "model.width=0.0625", "max_epochs=4", "lr=0.02", "ema=null"],
}


@pytest.fixture(scope="module", params=NETWORKS)
def given(request):
    return plain(composed(*SMALL, *NETWORKS[request.param]))


@pytest.fixture(scope="module")
def whole(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.hub, "download_url_to_file", None)  # nothing may be downloaded
        train(given, folder)
    return folder


def test_it_learns_boxes_and_classes(whole):
    found = rows(whole)
    for row in found:
        assert float(row["train/box"]) > 0 and float(row["train/class"]) > 0
        assert 0 <= float(row["val/AP"]) <= float(row["val/AP50"]) <= 1
    assert float(found[-1]["train/loss"]) < float(found[0]["train/loss"])
    assert 0 <= json.loads((whole / "detection.json").read_text())["AP"]["estimate"] <= 1


@pytest.mark.parametrize("step", [1, 2])
def test_its_interrupted_run_ends_in_the_same_bits(given, whole, tmp_path, step):
    with pytest.MonkeyPatch.context() as patch:
        in_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM), Detector)
        with pytest.raises(Interrupted):
            train(given, tmp_path / "run")
    train(given, tmp_path / "run")
    assert_identical(whole, tmp_path / "run")


def test_its_run_finds_boxes_in_a_picture(whole, tmp_path):
    opened = opening.opened(whole, "cpu")
    stored = weights(whole, "best")
    assert all(torch.equal(stored[f"network.{name}"], each) for name, each in opened.network.state_dict().items())
    landscape(50, 30).convert("RGB").save(tmp_path / "a.png")
    found = opened(np.asarray(landscape(50, 30).convert("RGB")), least=0.0)
    assert (found.boxes >= 0).all() and (found.boxes[:, 2] <= 50).all()
    assert (found.labels < len(opened.classes)).all() and (found.scores.diff() <= 0).all()
    assert detected.run(Job(tmp_path / "a.png", tmp_path / "b.png"), opened, detected.Options(0.0)).status == "done"
    assert len(json.loads((tmp_path / "b.png.json").read_text())["boxes"]) == len(found.boxes)
