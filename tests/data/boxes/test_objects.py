"""Boxes of the drawn landscapes."""

import pytest
import torch

from colourize.data import scenes
from colourize.data.boxes import objects
from colourize.data.pictures import Pictures
from colourize.errors import InputError

CACTUS, SAIL = scenes.OBJECTS.index("cactus"), scenes.OBJECTS.index("sail")


def test_a_box_is_the_smallest_around_the_pixels_of_an_object():
    kinds = torch.zeros(32, 32, dtype=torch.uint8)
    kinds[3:9, 20:25] = CACTUS
    kinds[20:30, 1:4] = CACTUS
    boxes, labels = objects.boxes_of(kinds)
    assert boxes.tolist() == [[20, 3, 25, 9], [1, 20, 4, 30]]
    assert [objects.CLASSES[label] for label in labels] == ["cactus", "cactus"]


def test_parts_with_a_small_gap_have_one_box_and_specks_have_none():
    kinds = torch.zeros(32, 32, dtype=torch.uint8)
    kinds[4:10, 4:8] = kinds[4:10, 9:12] = SAIL  # one pixel between
    kinds[20, 20] = CACTUS
    boxes, labels = objects.boxes_of(kinds)
    assert boxes.tolist() == [[4, 4, 12, 10]] and labels.tolist() == [objects.CLASSES.index("sail")]


def test_boxes_of_landscapes_contain_every_pixel_of_their_objects():
    pictures = scenes.load(10, 2, 64)
    train, validation = objects.splits_of(pictures)
    assert (len(train), len(validation)) == (10, 2) and train.classes == objects.CLASSES
    for kinds, boxes, labels in zip(pictures.train_objects, train.boxes, train.labels, strict=True):
        for (x1, y1, x2, y2), label in zip(boxes.int().tolist(), labels.tolist(), strict=True):
            inside = kinds[y1:y2, x1:x2] == scenes.OBJECTS.index(objects.CLASSES[label])
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_a_source_without_objects_has_no_boxes():
    without = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    with pytest.raises(InputError, match="requires pictures with boxes"):
        objects.splits_of(Pictures(without, without))
