"""Non-maximum suppression equals a search over pairs, and boxes return to the original picture."""

import pytest
import torch

from colourize.models.detections import detections, on_original
from colourize.models.yolox import Raw


def raw(seed, places=60, classes=3):
    generator = torch.Generator().manual_seed(seed)
    boxes = torch.cat(
        (4 * torch.rand(1, places, 2, generator=generator), torch.rand(1, places, 2, generator=generator)), 2
    )
    logits = torch.randn(1, places, 1 + classes, generator=generator)
    return Raw(boxes, logits[..., 0], logits[..., 1:], torch.zeros(places, 2), torch.full((places,), 8.0))


def overlap(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - shared)


@pytest.mark.parametrize("seed", range(5))
def test_the_boxes_left_are_those_of_a_search_over_pairs(seed):
    given = raw(seed)
    places = []
    for (x, y, w, h), score, classes in zip(
        given.boxes[0].tolist(), given.objects[0].sigmoid().tolist(), given.classes[0].sigmoid().tolist(), strict=True
    ):
        width, height = 8 * 2.718281828459045**w, 8 * 2.718281828459045**h
        box = [8 * x - width / 2, 8 * y - height / 2, 8 * x + width / 2, 8 * y + height / 2]
        places.append((score * max(classes), classes.index(max(classes)), box))
    left = []
    for score, label, box in sorted(places, key=lambda place: -place[0]):
        if score >= 0.2 and all(label != other or overlap(box, better) <= 0.5 for _, other, better in left):
            left.append((score, label, box))
    ((boxes, scores, labels),) = detections(given, least=0.2, overlap=0.5)
    assert 5 < len(left) < len(places)
    assert labels.tolist() == [label for _, label, _ in left]
    torch.testing.assert_close(scores, torch.tensor([score for score, _, _ in left]))
    torch.testing.assert_close(boxes, torch.tensor([box for *_, box in left]), rtol=1e-4, atol=1e-3)


def test_at_most_so_many_boxes_of_a_picture_are_kept():
    ((boxes, scores, _),) = detections(raw(0), least=0.0, overlap=1.0, most=7)
    assert len(boxes) == 7
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


def test_boxes_return_to_the_original_and_end_at_its_borders():
    found = torch.tensor([[-3.0, 5, 50, 90]]), torch.tensor([0.5]), torch.tensor([1])
    boxes, scores, labels = on_original(found, scale=0.5, height=150, width=200)
    assert (boxes.tolist(), scores.tolist(), labels.tolist()) == ([[0, 10, 100, 150]], [0.5], [1])
