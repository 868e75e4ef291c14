"""The versions of pictures with boxes, and the measures on them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import detectors, fine_tuned, versions
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


def _line(*seeds):
    """Constant AP of each seed in the whole and in 40 resamples; AP50 is twice as high."""
    ap = np.array(seeds)[:, None] * np.ones((1, 41))
    return fine_tuned.Line(ap, 2 * ap)


def test_fine_tuned_versions_are_compared_where_they_were_trained_or_in_one_network():
    key = fine_tuned.Key
    lines = {
        key("nothing", "colour", "colour"): _line(0.4, 0.44), key("nothing", "grey", "grey"): _line(0.3, 0.36),
        key("nothing", "colour", "grey"): _line(0.2, 0.2), key("nothing", "hue", "hue"): _line(0.1),
    }  # fmt: skip
    colour, own, same, alone = fine_tuned.rows(lines)[1:]
    assert colour[:7] == ["nothing", "colour", "colour", "2", "0.420 [0.420, 0.420]", "0.028", "0.840 [0.840, 0.840]"]
    assert own[7] == "-0.090 [-0.090, -0.090]" and same[7] == "-0.220 [-0.220, -0.220]"
    assert alone[5:] == ["", "0.200 [0.200, 0.200]", "", ""]  # other seeds are no pair
