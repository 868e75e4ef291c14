"""Pictures with boxes as values."""

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.data.boxes.boxed import Boxed, empty


def _two(tmp_path):
    Image.new("RGB", (6, 4), "red").save(tmp_path / "a.png")
    pictures = [tmp_path / "a.png", np.zeros((3, 5, 3), np.uint8)]
    boxes = [torch.tensor([[0.0, 0, 2, 2]]), torch.zeros(0, 4)]
    labels = [torch.tensor([1]), torch.zeros(0, dtype=torch.int64)]
    return Boxed(pictures, boxes, labels, ("apple", "banana"), torch.tensor([[4, 6], [3, 5]]))


def test_a_picture_is_the_same_from_a_file_and_from_memory(tmp_path):
    boxed = _two(tmp_path)
    assert [list(boxed.picture(i).shape[:2]) for i in range(2)] == boxed.sizes.tolist()
    assert boxed.picture(0)[0, 0].tolist() == [255, 0, 0]
    assert [boxed.name(0), boxed.name(1)] == ["a.png", "1"]


def test_chosen_keeps_each_picture_with_its_boxes(tmp_path):
    turned = _two(tmp_path).chosen([1, 0])
    assert [len(boxes) for boxes in turned.boxes] == [0, 1]
    assert turned.sizes.tolist() == [[3, 5], [4, 6]] and turned.labels[1].tolist() == [1]
    assert turned.crowd(1).tolist() == [False]


def test_lists_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="same length"):
        Boxed([], [torch.zeros(0, 4)], [], (), torch.zeros(0, 2))


def test_an_empty_prediction_has_no_boxes():
    assert [len(part) for part in empty()] == [0, 0, 0]
