"""Boxes found in files, with a network of our own size and with a stand-in that always finds the same."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.config.compose import plain
from colourize.data.boxes.boxed import Found
from colourize.errors import InputError
from colourize.inference.detection import detected, opening
from colourize.inference.detection.detector import Detector, of_classes
from colourize.inference.planned import Job
from colourize.models.yolox import YOLOX
from colourize.runs import checkpoint, formats
from colourize.tasks.chosen import train
from tests.conftest import composed


class Fixed(torch.nn.Module):
    """Finds the lower right quarter of its square, and a box outside of every picture that is wider than high."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def detections(self, pictures):
        side = pictures.shape[-1]
        boxes = torch.tensor([[side / 2, 0, side, side / 4], [0, side - 2.0, side, side]])
        return [(boxes, torch.tensor([0.9, 0.8]), torch.tensor([1, 0]))]


@pytest.fixture
def detector():
    return Detector(Fixed(), ("apple", "banana"), 64)


def _picture(path, size=(40, 20)):
    Image.new("RGB", size, (10, 20, 30)).save(path)
    return path


def test_boxes_are_in_pixels_of_the_original_picture_and_within_it(detector):
    found = detector(np.zeros((20, 40, 3), np.uint8))
    assert found.boxes.tolist() == [[20, 0, 40, 10]]  # 64 pixels of the square are 40 of the picture
    assert found.scores.tolist() == pytest.approx([0.9]) and found.labels.tolist() == [1]


def test_a_job_writes_the_picture_and_its_boxes(detector, tmp_path):
    source = _picture(tmp_path / "a.png")
    job = Job(source, tmp_path / "out" / "a.png")
    options = detected.Options()
    assert detected.run(job, detector, options).status == "done"
    record = json.loads((tmp_path / "out" / "a.png.json").read_text())
    assert record == {"width": 40, "height": 20, "boxes": [{"class": "banana", "score": 0.9, "box": [20, 0, 40, 10]}]}
    with Image.open(tmp_path / "out" / "a.png") as image:
        drawn = np.asarray(image)
    assert drawn.shape == (20, 40, 3) and tuple(drawn[9, 30]) == detected.colour_of(1)
    assert tuple(drawn[15, 5]) == (10, 20, 30) and options.records[str(source)] == record
    assert detected.run(job, detector, options).status == "already there"
    assert detected.run(job, detector, detected.Options(overwrite=True, classes=["apple"])).status == "done"
    assert json.loads((tmp_path / "out" / "a.png.json").read_text())["boxes"] == []


def test_a_bad_picture_is_an_outcome_and_leaves_no_file(detector, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    outcome = detected.run(Job(tmp_path / "a.png", tmp_path / "out.png"), detector, detected.Options())
    assert (outcome.status, outcome.text) == ("failed", "not a picture of a known format")
    assert not list(tmp_path.glob("out*"))
    assert detected.summary([outcome], {}) == "0 boxes in 0 pictures, 1 failed"


def test_labels_become_indices_of_the_wanted_classes():
    found = Found(torch.zeros(3, 4), torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 1, 2]))
    kept = of_classes(found, ["cat", "apple", "dog"], ["apple", "dog", "pear"])
    assert kept.labels.tolist() == [0, 1] and kept.scores.tolist() == pytest.approx([0.8, 0.7])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of YOLOX-nano with random weights."""
    path = tmp_path_factory.mktemp("weights") / "nano.pth"
    torch.save({"model": YOLOX().state_dict()}, path)
    return path


def test_weights_of_yolox_are_opened_with_the_classes_of_coco(weights):
    opened = opening.opened(weights, "cpu", 64)
    assert opened.side == 64 and opened.classes[47] == "apple" and not opened.network.training
    assert opening.opened(weights, "cpu").side == 416
    found = opened(np.zeros((30, 50, 3), np.uint8), least=0.0)
    assert 0 < len(found.boxes) <= 100 and (found.boxes[:, 2] <= 50).all() and (found.boxes[:, 3] <= 30).all()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("gone.pth", None, "no such file"), ("bad.pth", b"no", "must contain only tensors"),
     ("bad.onnx", b"no", "damaged"), ("bad.ckpt", b"no", "damaged or not a checkpoint")],
)  # fmt: skip
def test_other_files_are_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        opening.opened(tmp_path / name, "cpu")
    assert "\n" not in str(raised.value) and "init_from" not in str(raised.value)


def test_a_side_that_the_strides_do_not_divide_is_refused(weights):
    with pytest.raises(InputError, match="--size must be a multiple of 32, got 100; pass --size 96"):
        opening.opened(weights, "cpu", 100)


SMALL = (
    "task=detection", "data.num_train=2", "data.num_validation=2", "image_size=32", "model.width=0.0625",
    "batch_size=2", "max_epochs=1", "logger=none", "trainer.enable_progress_bar=false",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(plain(composed(*SMALL)), folder)
    return folder


def test_a_run_is_opened_with_its_own_classes_side_and_weights(run, tmp_path):
    opened = opening.opened(run, "cpu")
    assert opened.side == 32 and "sail" in opened.classes and (run / "boxes.png").is_file()
    contents = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    for name, tensor in opened.network.state_dict().items():
        assert torch.equal(tensor, contents["state_dict"][f"network.{name}"])
    for classes in (None, [], ["sail"], [1] * 10):
        changed = {**contents, "classes": classes}
        torch.save(changed, tmp_path / "changed.ckpt")
        with pytest.raises(InputError, match=r"not a checkpoint of a detector|do not fit|damaged"):
            opening.opened(tmp_path / "changed.ckpt", "cpu")


OWN = """
import torch
class Quarter(torch.nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(num_classes))
    def detections(self, pictures):
        return [(torch.tensor([[0, 0, 16.0, 16.0]]), torch.ones(1), torch.zeros(1, dtype=torch.int64))]
class Blind(Quarter):
    detections = None
"""


@pytest.fixture
def own(run, tmp_path, monkeypatch):
    """Writes a checkpoint of a network in a package of the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_detectors.py").write_text(OWN)
    contents = checkpoint.read(run / "checkpoints" / "best.ckpt")

    def write(name):
        state = {"network.weight": torch.zeros(len(contents["classes"]))}
        config = {**contents["config"], "model": {"_target_": f"my_detectors.{name}"}}
        torch.save({**contents, **formats.written(config), "state_dict": state}, tmp_path / "own.ckpt")
        return tmp_path / "own.ckpt"

    yield write
    sys.modules.pop("my_detectors", None)


def test_an_own_network_runs_only_if_its_package_is_trusted(own):
    file = own("Quarter")
    with pytest.raises(InputError, match="your own code runs only where the command names it: --trust PACKAGE"):
        opening.opened(file, "cpu")
    assert "my_detectors" not in sys.modules
    found = opening.opened(file, "cpu", trusted=["my_detectors"])(np.zeros((32, 32, 3), np.uint8))
    assert found.boxes.tolist() == [[0, 0, 16, 16]]
    with pytest.raises(InputError, match="--trust os"):
        opening.opened(file, "cpu", trusted=["os"])


def test_an_own_network_that_finds_nothing_is_refused(own):
    with pytest.raises(InputError, match=r"Blind must have a method detections\(pictures\)"):
        opening.opened(own("Blind"), "cpu", trusted=["my_detectors"])
