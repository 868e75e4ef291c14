"""Squares and mirrors against torchvision's transforms of boxes."""

import numpy as np
import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as v2

from colourize.data.boxes.letterbox import letterboxed
from colourize.data.boxes.mosaic import Example, mirrored, squared
from colourize.models.detections import on_original
from colourize.models.yolox import FILL


def _example(height, width, seed=0):
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 0.5, (5, 2)) * [width, height]
    boxes = np.concatenate((corner, corner + random.uniform(0.1, 0.5, (5, 2)) * [width, height]), axis=1)
    picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Example(picture, boxes.astype(np.float32), np.arange(5))


def _boxes(example):
    return tv_tensors.BoundingBoxes(
        torch.from_numpy(example.boxes), format="XYXY", canvas_size=tuple(example.picture.shape[:2])
    )


@pytest.mark.parametrize(("height", "width"), [(40, 64), (64, 40), (32, 32), (96, 160)])
def test_boxes_in_a_square_are_those_of_torchvision_s_resize(height, width):
    example = _example(height, width)
    ours = squared(example, 64)
    scale = 64 / max(height, width)
    expected = v2.resize(_boxes(example), [round(scale * height), round(scale * width)])
    np.testing.assert_allclose(ours.boxes, expected.numpy(), atol=0.5)  # a square has whole rows, its scale has not
    assert ours.picture.shape == (64, 64, 3)
    below, right = round(scale * height), round(scale * width)
    assert (ours.picture[below:] == FILL).all() and (ours.picture[:, right:] == FILL).all()


def test_boxes_in_a_mirror_are_those_of_torchvision_s_flip():
    example = _example(40, 60)
    ours = mirrored(example)
    np.testing.assert_allclose(ours.boxes, v2.horizontal_flip(_boxes(example)).numpy(), atol=1e-4)
    picture = v2.horizontal_flip(torch.from_numpy(example.picture.copy()).permute(2, 0, 1))
    assert np.array_equal(ours.picture, picture.permute(1, 2, 0).numpy())
    assert np.array_equal(mirrored(ours).picture, example.picture)


@pytest.mark.parametrize(("height", "width"), [(40, 64), (100, 30)])
def test_boxes_return_from_the_square_to_the_same_pixels(height, width):
    example = _example(height, width)
    _, scale = letterboxed(example.picture, 64)
    inside = torch.from_numpy(squared(example, 64).boxes)
    found = inside, torch.ones(5), torch.zeros(5, dtype=torch.int64)
    back = on_original(found, scale, height, width)[0]
    np.testing.assert_allclose(back.numpy(), example.boxes, atol=0.01)
