"""SimOTA equals a search over all places and objects, written as loops over numbers."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from colourize.models.yolox import YOLOX, corners
from colourize.tasks.detection.assignment import assigned, costs, matched, near

SIDE = 64


def iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0) * max(height, 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - shared
    return shared / area


def scene(seed, count):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    raw = YOLOX(3, 0.33, 0.0625).eval()(torch.rand(1, 3, SIDE, SIDE) * 255)
    noise = [torch.randn(part.shape, generator=generator) for part in (raw.boxes, raw.objects, raw.classes)]
    raw = raw._replace(boxes=noise[0] * 0.7, objects=noise[1], classes=noise[2])
    low = torch.rand(count, 2, generator=generator) * 40
    boxes = torch.cat((low, low + 6 + 18 * torch.rand(count, 2, generator=generator)), dim=1)
    return raw, boxes, torch.randint(0, 3, (count,), generator=generator)


def searched(raw, boxes, labels):
    """The assignment as {place: object}."""
    predicted = corners(raw)[0].tolist()
    centres = [
        (s * (x + 0.5), s * (y + 0.5), s) for (x, y), s in zip(raw.cells.tolist(), raw.strides.tolist(), strict=True)
    ]
    sigmoid = lambda value: 1 / (1 + math.exp(-value))  # noqa: E731
    inside = [
        [abs(x - (b[0] + b[2]) / 2) < 1.5 * s and abs(y - (b[1] + b[3]) / 2) < 1.5 * s for x, y, s in centres]
        for b in boxes.tolist()
    ]
    candidates = [a for a in range(len(centres)) if any(row[a] for row in inside)]
    cost, overlaps, takes = {}, {}, {}
    for g, (box, label) in enumerate(zip(boxes.tolist(), labels.tolist(), strict=True)):
        for a in candidates:
            p = [math.sqrt(sigmoid(c) * sigmoid(raw.objects[0, a].item())) for c in raw.classes[0, a].tolist()]
            bce = sum(-math.log(q if k == label else 1 - q) for k, q in enumerate(p))
            overlaps[g, a] = iou(box, predicted[a])
            cost[g, a] = bce - 3 * math.log(overlaps[g, a] + 1e-8) + (0 if inside[g][a] else 1e6)
        number = max(1, int(sum(sorted((overlaps[g, a] for a in candidates), reverse=True)[:10])))
        takes[g] = sorted(candidates, key=lambda a: cost[g, a])[:number]
    found = {}
    for a in candidates:
        if takers := [g for g in takes if a in takes[g]]:
            found[a] = min(takers if len(takers) == 1 else takes, key=lambda g: cost[g, a])
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_assignment_equals_a_search_over_all_places(seed):
    raw, boxes, labels = scene(seed, 1 + seed % 5)
    found = assigned(
        corners(raw)[0], raw.objects[0], raw.classes[0], raw.cells, raw.strides, boxes, labels
    )  # fmt: skip
    assert dict(zip(found.places.tolist(), found.objects.tolist(), strict=True)) == searched(raw, boxes, labels)
    expected = [
        iou(corners(raw)[0, a].tolist(), boxes[g].tolist()) for a, g in zip(found.places, found.objects, strict=True)
    ]
    np.testing.assert_allclose(found.ious, expected, rtol=1e-4)


def test_a_picture_without_objects_has_no_places():
    raw, *_ = scene(0, 1)
    none = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    found = assigned(corners(raw)[0], raw.objects[0], raw.classes[0], raw.cells, raw.strides, *none)
    assert [len(part) for part in found] == [0, 0, 0]


def test_the_cost_of_classes_is_the_cross_entropy_of_torch():
    raw, _, labels = scene(3, 4)
    ious = torch.full((4, raw.objects.shape[1]), 0.5)
    inside = torch.ones_like(ious, dtype=torch.bool)
    p = (raw.classes[0].sigmoid() * raw.objects[0].sigmoid()[:, None]).sqrt()
    wanted = F.one_hot(labels, 3).float()
    expected = torch.stack(
        [F.binary_cross_entropy(p, row.expand_as(p), reduction="none").sum(dim=1) for row in wanted]
    ) + 3 * math.log(2)
    torch.testing.assert_close(costs(raw.classes[0], raw.objects[0], labels, ious, inside), expected)


def test_near_is_a_square_of_three_strides():
    cells = torch.tensor([[x, 0] for x in range(6)])
    found = near(torch.tensor([[16.0, 0, 24, 8]]), cells, torch.full((6,), 8))  # the centre of cell 2
    assert found.tolist() == [[False, True, True, True, False, False]]


def test_k_is_the_sum_of_ious_and_a_disputed_place_goes_to_the_cheaper_object():
    ious = torch.tensor([[0.9, 0.8, 0.6, 0.0], [0.1, 0.2, 0.0, 0.3]])
    cost = torch.tensor([[1.0, 3.0, 2.0, 9.0], [0.5, 4.0, 5.0, 6.0]])
    places, objects = matched(
        cost, ious
    )  # the first takes two: places 0 and 2; the second one: place 0, which is cheaper
    assert dict(zip(places.tolist(), objects.tolist(), strict=True)) == {0: 1, 2: 0}
