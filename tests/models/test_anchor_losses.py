"""CIoU against brute force; the places and each loss of YOLOv3 against loops in numpy."""

import math

import numpy as np
import pytest
import torch
from torchvision.ops import complete_box_iou_loss

from colourize.models import anchor_losses
from colourize.models.anchor_losses import Level, as_boxes, losses, matched

ANCHORS = [[[6.0, 8], [12, 9], [20, 30]], [[16.0, 30], [33, 23], [40, 40]], [[60.0, 45], [59, 64], [90, 90]]]
CLASSES, SIDE, PICTURES = 3, 64, 2


def ciou(first, second):
    """IoU - (distance of the centres / diagonal around both)² - α v (Zheng and others 2020, arXiv 1911.08287)."""
    width = max(0, min(first[2], second[2]) - max(first[0], second[0]))
    height = max(0, min(first[3], second[3]) - max(first[1], second[1]))
    sides = [(box[2] - box[0], box[3] - box[1]) for box in (first, second)]
    iou = width * height / (sum(w * h for w, h in sides) - width * height)
    centres = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in (first, second)]
    diagonal = math.hypot(
        max(first[2], second[2]) - min(first[0], second[0]), max(first[3], second[3]) - min(first[1], second[1])
    )
    v = 4 / math.pi**2 * (math.atan(sides[1][0] / sides[1][1]) - math.atan(sides[0][0] / sides[0][1])) ** 2
    alpha = v / (1 - iou + v) if v else 0.0
    return iou - (math.dist(*centres) / diagonal) ** 2 - alpha * v


def boxes_at_random(count, random):
    low = random.uniform(0, 40, (count, 2))
    return np.concatenate((low, low + random.uniform(3, 24, (count, 2))), axis=1)


def test_ciou_equals_its_formula():
    random = np.random.default_rng(0)
    first, second = boxes_at_random(60, random), boxes_at_random(60, random)
    expected = [1 - ciou(a, b) for a, b in zip(first, second, strict=True)]
    assert max(expected) > 1 and min(expected) < 0.8
    np.testing.assert_allclose(complete_box_iou_loss(*map(torch.from_numpy, (first, second))), expected, rtol=1e-5)
    assert complete_box_iou_loss(*[torch.from_numpy(first)] * 2).abs().max() < 1e-5


def levels(seed=0):
    torch.manual_seed(seed)
    return [
        Level(torch.randn(PICTURES, 3, SIDE // stride, SIDE // stride, 5 + CLASSES, dtype=torch.float64),
              torch.tensor(anchors, dtype=torch.float64), stride)
        for stride, anchors in zip((8, 16, 32), ANCHORS, strict=True)
    ]  # fmt: skip


def objects():
    boxes = [[[5.0, 8, 30, 40], [20, 20, 60, 50], [0, 0, 7, 9]], [[30.0, 30, 38, 41]]]
    return [torch.tensor(each, dtype=torch.float64) for each in boxes], [torch.tensor([2, 0, 1]), torch.tensor([1])]


def places_by_loops(level, boxes):
    """(picture, anchor, row, column, object) of every place that learns an object."""
    found, number, cells = [], 0, SIDE // level.stride
    for picture, each in enumerate(boxes):
        for box in each.tolist():
            x, y = (box[0] + box[2]) / 2 / level.stride, (box[1] + box[3]) / 2 / level.stride
            for anchor, (width, height) in enumerate(level.anchors.tolist()):
                sides = (box[2] - box[0]) / width, (box[3] - box[1]) / height
                if max(max(side, 1 / side) for side in sides) >= 4:
                    continue
                column, row = int(x), int(y)
                found.append((picture, anchor, row, column, number))
                beside, above = column + int(np.sign(x - column - 0.5)), row + int(np.sign(y - row - 0.5))
                found += [(picture, anchor, row, beside, number)] * (beside != column and 0 <= beside < cells)
                found += [(picture, anchor, above, column, number)] * (above != row and 0 <= above < cells)
            number += 1
    return sorted(found)


@pytest.mark.parametrize("level", levels(), ids=["8", "16", "32"])
def test_an_object_is_learned_in_its_cell_and_the_nearest_neighbours(level):
    boxes, _ = objects()
    found = matched(level, torch.cat(boxes), torch.tensor([0, 0, 0, 1]))
    expected = places_by_loops(level, boxes)
    assert sorted(zip(*(each.tolist() for each in found), strict=True)) == expected
    assert len(expected) > 3


def entropy(logit, target):
    p = 1 / (1 + math.exp(-logit))
    return -(target * math.log(p) + (1 - target) * math.log(1 - p))


def test_each_loss_equals_loops():
    boxes, labels = objects()
    given, kinds = torch.cat(boxes).tolist(), torch.cat(labels).tolist()
    sums = dict.fromkeys(("box", "object", "class"), 0.0)
    for level, balance in zip(levels(), (4.0, 1.0, 0.4), strict=True):
        values, stride = level.values.numpy(), level.stride
        targets, apart, classes = np.zeros(values.shape[:4]), [], []
        for n, b, row, column, number in places_by_loops(level, boxes):
            s = 1 / (1 + np.exp(-values[n, b, row, column]))
            x, y = (2 * s[0] - 0.5 + column) * stride, (2 * s[1] - 0.5 + row) * stride
            w, h = (2 * s[2:4]) ** 2 * level.anchors[b].numpy()
            fit = ciou([x - w / 2, y - h / 2, x + w / 2, y + h / 2], given[number])
            apart.append(1 - fit)
            targets[n, b, row, column] = max(targets[n, b, row, column], fit)
            classes += [entropy(values[n, b, row, column, 5 + k], k == kinds[number]) for k in range(CLASSES)]
        sums["box"] += np.mean(apart)
        sums["class"] += np.mean(classes)
        pairs = zip(values[..., 4].ravel(), targets.ravel(), strict=True)
        sums["object"] += balance * np.mean([entropy(*pair) for pair in pairs])
    found = losses(levels(), boxes, labels)
    for name, factor in (("box", 0.05), ("object", 1.0), ("class", 0.5)):
        assert float(found[name]) == pytest.approx(factor * sums[name], rel=1e-5)


def test_the_target_of_the_objectness_is_a_constant():
    given = levels()
    for level in given:
        level.values.requires_grad_()
    losses(given, *objects())["object"].backward()
    for level in given:
        assert level.values.grad[..., 4].abs().max() > 0
        assert not level.values.grad[..., :4].any() and not level.values.grad[..., 5:].any()


def test_without_objects_only_the_objectness_is_left():
    given = losses(levels(), [torch.zeros(0, 4)] * 2, [torch.zeros(0, dtype=torch.int64)] * 2)
    assert float(given["box"]) == float(given["class"]) == 0 < float(given["object"])


def test_values_of_zero_are_the_anchor_in_the_middle_of_its_cell():
    zero, anchor = torch.zeros(4), torch.tensor([30.0, 20])
    box = as_boxes(zero, torch.tensor(2.0), torch.tensor(1.0), anchor, 8)
    assert box.tolist() == [20 - 15, 12 - 10, 20 + 15, 12 + 10]
    assert anchor_losses.FACTORS == {"box": 0.05, "object": 1.0, "class": 0.5}
