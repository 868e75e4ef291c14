"""The look-up table's score, compared with the yardstick of colourize evaluate."""

import pytest
import torch

from colourize.colour import kmeans
from colourize.colour.palette import quantize
from colourize.colour.spaces import SPACES
from colourize.data.labelled import LabelledPictures
from colourize.data.pictures import Pictures
from colourize.data.preparation.floor import NUM_COLOURS, SIDE, floors, small_squares
from colourize.data.scenes import load
from colourize.evaluation.yardstick import Yardstick
from tests.conftest import knobs
from tests.textured import save, textured


@pytest.mark.parametrize("space", ["rgb", "lab"])
def test_the_floor_equals_that_of_the_evaluation(space):
    pictures: Pictures = load(num_train=30, num_validation=10)
    palette = kmeans.fit(pictures.train, 8, 0, SPACES[space])
    splits = [LabelledPictures(split, palette, space=SPACES[space]) for split in (pictures.train, pictures.validation)]
    yardstick = Yardstick(pictures, *splits, palette, SPACES[space])
    found = floors(pictures.train, pictures.validation, 8)[space]
    assert found["table"] == pytest.approx(yardstick.table_loss, abs=1e-4)
    hits = yardstick.table(yardstick.grey).argmax(1) == quantize(pictures.validation, palette, SPACES[space])
    assert found["accuracy"] == pytest.approx(hits.float().mean().item(), abs=1e-4)
    assert found["table"] < found["prior"]


def test_the_floor_has_the_side_and_the_colours_of_a_training_without_overrides():
    config = knobs("data=scenes")
    assert (config["image_size"], config["num_colours"]) == (SIDE, NUM_COLOURS)


def test_pictures_of_too_few_colours_have_no_floor():
    assert floors(torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.zeros(1, 4, 4, 3, dtype=torch.uint8)) == {}


def test_a_deleted_file_is_left_out(tmp_path):
    save(textured(0), tmp_path / "a.png")
    assert small_squares(tmp_path, ["a.png", "b.png"], 9).shape == (1, 32, 32, 3)
    assert small_squares(tmp_path, ["b.png"], 9).shape == (0, 32, 32, 3)
