"""Boxes of drawn landscapes are around the pixels of their objects."""

import numpy as np
import pytest

from colourize.data import scenes
from colourize.data.boxes import drawn


def kinds(*parts):
    objects = np.zeros((32, 32), np.uint8)
    for name, rows, columns in parts:
        objects[rows, columns] = scenes.OBJECTS.index(name)
    return objects


def test_each_group_of_pixels_has_a_box_with_its_kind():
    objects = kinds(
        ("sun", slice(2, 8), slice(3, 9)),
        ("sun", slice(20, 24), slice(20, 27)),
        ("pyramid", slice(9, 15), slice(3, 13)),
    )
    boxes, labels, small = drawn.boxes_of(objects)
    names = [drawn.CLASSES[label] for label in labels]
    assert sorted(zip(names, boxes.tolist(), strict=True)) == [
        ("pyramid", [3, 9, 13, 15]), ("sun", [3, 2, 9, 8]), ("sun", [20, 20, 27, 24]),
    ]  # fmt: skip
    assert not small.any()


def test_parts_with_a_gap_of_two_pixels_are_one_object_and_with_three_two():
    for gap, count in ((2, 1), (3, 2)):
        objects = kinds(("sail", slice(0, 9), slice(0, 9)), ("sail", slice(0, 9), slice(9 + gap, 20)))
        assert len(drawn.boxes_of(objects)[0]) == count


def test_a_small_part_is_marked_and_ground_has_no_box():
    boxes, _, small = drawn.boxes_of(kinds(("sun", slice(2, 3), slice(3, 9)), ("grass", slice(20, 32), slice(0, 32))))
    assert (boxes.tolist(), small.tolist()) == ([[3, 2, 9, 3]], [True])


@pytest.mark.parametrize("size", [48])
def test_the_splits_have_boxes_inside_their_pictures(size):
    train, validation = drawn.load(num_train=10, num_validation=5, image_size=size)
    assert (len(train), len(validation)) == (10, 5)
    for split in (train, validation):
        assert sum(map(len, split.boxes)) > 3
        for boxes in split.boxes:
            assert ((boxes >= 0) & (boxes <= size)).all() and (boxes[:, 2:] > boxes[:, :2]).all()
