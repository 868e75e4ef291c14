"""The versions of pictures with boxes, and the measures on them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import detectors, versions
from colourize.inference import space
from colourize.inference.detection.detector import Detector
from tests.drawn_pictures import landscape


@pytest.fixture
def picture():
    return np.asarray(landscape(48, 40).convert("RGB"))


def _lightness(picture):
    return space.lab(picture / np.float32(255))[..., 0]


def test_every_version_keeps_the_lightness_of_each_pixel(picture):
    made = versions.versions()
    assert list(made) == ["colour", "grey", "network", "table", "hue"]
    for name, change in made.items():
        changed = change(picture, "a.jpg")
        assert changed.dtype == np.uint8 and changed.shape == picture.shape, name
        assert np.abs(_lightness(changed) - _lightness(picture)).max() < 1, name


def test_grey_has_no_colour_and_a_turned_hue_another_one_by_the_name_alone(picture):
    assert np.ptp(versions.grey(picture), axis=2).max() == 0
    turned = versions.turned(0)
    once, again, other = (turned(picture, name) for name in ("a.jpg", "a.jpg", "b.jpg"))
    assert np.array_equal(once, again) and not np.array_equal(once, other)


def _folder(root):
    for split in ("train", "test"):
        (root / split).mkdir(parents=True)
        landscape(48, 40).save(root / split / "a.png")
        content = {
            "images": [{"id": 0, "file_name": "a.png", "width": 48, "height": 40}],
            "categories": [{"id": 1, "name": "apple"}],
            "annotations": [{"image_id": 0, "category_id": 1, "bbox": [0, 0, 48, 40]}],
        }
        (root / f"{split}.json").write_text(json.dumps(content))


class Whole(torch.nn.Module):
    """Finds one box, the square of the whole input; in grey pictures with another class."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def detections(self, pictures):
        side = float(pictures.shape[-1])
        colourful = (pictures[0].float().amax(0) - pictures[0].float().amin(0)).max() > 0
        return [(torch.tensor([[0, 0, side, side]]), torch.ones(1), torch.tensor([int(colourful)]))]


@pytest.mark.slow
def test_versions_are_folders_with_boxes_and_a_detector_that_needs_colour_loses_all_on_grey(tmp_path):
    _folder(tmp_path / "fruit")
    assert versions.write(tmp_path / "fruit", tmp_path / "out")["hue"] == 2
    detector = Detector(Whole(), ("pear", "apple"), 64)
    found = detectors.measured(detector, [tmp_path / "out" / name for name in ("colour", "grey")], tmp_path / "s.png")
    assert [found[name]["AP"].estimate for name in ("colour", "grey")] == [1, 0]
    assert found["grey"]["minus colour"].estimate == -1
    table = detectors.rows(found)
    assert table[0] == ["version", "AP", "AP50", "AP minus colour", "AP minus grey", "apple"] and len(table) == 3
    with Image.open(tmp_path / "s-grey.png") as sheet:
        assert sheet.size == (256, 256)
