"""Augmentation moves boxes with their objects: a box is where its colour is."""

import numpy as np
import pytest

from colourize.data.boxes.letterbox import letterboxed
from colourize.data.boxes.mosaic import Example, Mosaic, clipped, mirrored, squared
from colourize.errors import InputError

SIDE = 64
PLAIN = {"hue": 0.0, "saturation": 0.0, "value": 0.0}


def example(number, height=40, width=60):
    """A dark picture with a bright rectangle, whose box is exact."""
    random = np.random.default_rng(number)
    x, y = random.integers(2, 30), random.integers(2, 14)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[y : y + 20, x : x + 24] = (60 * (number % 4), 255, 0)
    return Example(picture, np.float32([[x, y, x + 24, y + 20]]), np.array([number % 4]))


def drawn(picture, label):
    """The box around the pixels of a rectangle, by looking at them."""
    near = np.abs(picture.astype(int) - (60 * label, 255, 0)).max(axis=2) < 80
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("number", range(4))
def test_a_box_is_around_its_object_in_a_square_and_in_its_mirror(number):
    for one in (squared(example(number), SIDE), mirrored(squared(example(number), SIDE))):
        np.testing.assert_allclose(one.boxes[0], drawn(one.picture, number), atol=1.5)


@pytest.mark.parametrize("seed", range(12))
def test_the_boxes_of_a_mosaic_are_around_the_objects(seed):
    made = Mosaic(share=1.0, **PLAIN)(example(0), example, 4, SIDE, False, np.random.default_rng(seed))
    assert made.picture.shape == (SIDE, SIDE, 3) and len(made.labels)
    for box, label in zip(made.boxes, made.labels.tolist(), strict=True):
        x1, y1, x2, y2 = box.round().astype(int)
        left, top = max(x1 - 2, 0), max(y1 - 2, 0)
        around = drawn(made.picture[top : y2 + 2, left : x2 + 2], label)
        np.testing.assert_allclose(box, np.add(around, (left, top, left, top)), atol=2)


def test_late_pictures_are_whole_and_every_second_one_is_mirrored():
    made = Mosaic(share=1.0, **PLAIN)
    wanted = [squared(example(1), SIDE), mirrored(squared(example(1), SIDE))]
    found = [made(example(1), example, 4, SIDE, True, np.random.default_rng(seed)) for seed in range(40)]
    kinds = [next(i for i, each in enumerate(wanted) if np.array_equal(one.picture, each.picture)) for one in found]
    assert 10 < sum(kinds) < 30
    assert all(np.array_equal(one.boxes, wanted[kind].boxes) for one, kind in zip(found, kinds, strict=True))


def test_a_picture_depends_only_on_the_state_of_its_generator():
    make = Mosaic(share=0.5)
    twice = [
        [make(example(2), example, 4, SIDE, False, np.random.default_rng((0, 3, n))) for n in range(8)]
        for _ in range(2)
    ]
    assert all(
        np.array_equal(a.picture, b.picture) and np.array_equal(a.boxes, b.boxes) for a, b in zip(*twice, strict=True)
    )
    assert len({each.picture.tobytes() for each in twice[0]}) == 8


def test_a_box_is_dropped_if_little_of_it_is_left():
    boxes = np.float32([[0, 0, 10, 10], [8, 0, 18, 10], [9, 0, 19, 10], [30, 0, 40, 10]])
    cut, kept = clipped(boxes, (0, 0, 10.5, 20))
    assert kept.tolist() == [True, True, False, False]
    assert cut.tolist() == [[0, 0, 10, 10], [8, 0, 10.5, 10]]


def test_a_letterbox_keeps_the_shape_and_fills_with_grey():
    square, scale = letterboxed(np.full((30, 60, 3), 200, np.uint8), 32)
    assert scale == 32 / 60
    assert (square[:16] == 200).all() and (square[16:] == 114).all()


@pytest.mark.parametrize("values", [{"share": 1.5}, {"hue": 0.6}, {"least": 0}, {"least": 2.0, "most": 1.0}])
def test_values_outside_their_range_are_refused(values):
    with pytest.raises(InputError, match="augment.least and augment.most|must be >= 0"):
        Mosaic(**values)
