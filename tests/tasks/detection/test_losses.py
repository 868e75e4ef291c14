"""Each loss of YOLOX equals a computation in numpy; IoU equals counting of pixels."""

import numpy as np
import pytest
import torch

from colourize.models.yolox import YOLOX, corners
from colourize.tasks.detection.assignment import assigned
from colourize.tasks.detection.losses import coded, iou_losses, losses, paired_ious

SIDE = 64


def drawn(box):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def test_iou_is_the_share_of_common_pixels():
    random = np.random.default_rng(0)
    low = random.integers(0, 40, (2, 50, 2))
    pairs = np.concatenate((low, low + random.integers(1, 24, (2, 50, 2))), axis=2)
    masks = [[drawn(box) for box in boxes] for boxes in pairs]
    expected = [(a & b).sum() / (a | b).sum() for a, b in zip(*masks, strict=True)]
    assert 0 < np.count_nonzero(expected) < 50
    found = paired_ious(*torch.from_numpy(pairs).float())
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(iou_losses(*torch.from_numpy(pairs).float()), 1 - np.square(expected), rtol=1e-5)


def batch():
    torch.manual_seed(0)
    raw = YOLOX(3, 0.33, 0.0625).eval()(torch.rand(3, 3, SIDE, SIDE) * 255)
    raw = raw._replace(boxes=torch.randn_like(raw.boxes), objects=torch.randn_like(raw.objects))
    boxes = [torch.tensor([[5.0, 8, 30, 40], [20, 20, 60, 50]]), torch.zeros(0, 4), torch.tensor([[1.0, 1, 9, 9]])]
    labels = [torch.tensor([2, 0]), torch.zeros(0, dtype=torch.int64), torch.tensor([1])]
    return raw, boxes, labels


def test_each_loss_equals_numpy():
    raw, boxes, labels = batch()
    found = losses(raw, boxes, labels, l1=True)
    sums, count = dict.fromkeys(found, 0.0), 0
    values = [part.detach().double().numpy() for part in (raw.boxes, raw.objects, raw.classes)]

    def entropy(logits, targets):
        p = 1 / (1 + np.exp(-logits))
        return -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum()

    for n in range(3):
        taken = assigned(
            corners(raw)[n], raw.objects[n], raw.classes[n], raw.cells, raw.strides, boxes[n], labels[n]
        )  # fmt: skip
        count += len(taken.places)
        present = np.zeros(values[1].shape[1])
        for place, index, iou in zip(taken.places.tolist(), taken.objects.tolist(), taken.ious.tolist(), strict=True):
            x1, y1, x2, y2 = boxes[n][index].tolist()
            (x, y), stride = raw.cells[place].tolist(), raw.strides[place].item()
            target = [(x1 + x2) / 2 / stride - x, (y1 + y2) / 2 / stride - y]
            target += [np.log((x2 - x1) / stride), np.log((y2 - y1) / stride)]
            sums["l1"] += np.abs(values[0][n, place] - target).sum()
            sums["iou"] += 5 * (1 - iou**2)
            sums["class"] += entropy(values[2][n, place], iou * np.eye(3)[labels[n][index]])
            present[place] = 1
        sums["object"] += entropy(values[1][n], present)
    assert count > 3
    for name, total in sums.items():
        assert found[name].item() == pytest.approx(total / count, rel=1e-4), name


def test_without_l1_its_part_is_zero_and_the_others_are_the_same():
    raw, boxes, labels = batch()
    first, second = losses(raw, boxes, labels), losses(raw, boxes, labels, l1=True)
    assert first["l1"] == 0 < second["l1"]
    assert all(torch.equal(first[name], second[name]) for name in ("iou", "object", "class"))


def test_a_batch_without_objects_has_only_the_loss_of_objectness():
    raw, *_ = batch()
    found = losses(raw, [torch.zeros(0, 4)] * 3, [torch.zeros(0, dtype=torch.int64)] * 3, l1=True)
    assert found["object"] > 0 == found["iou"] == found["class"] == found["l1"]


def test_coding_is_undone_by_corners():
    raw, *_ = batch()
    boxes = torch.rand(raw.cells.shape[0], 2) * 30
    boxes = torch.cat((boxes, boxes + 4), dim=1)
    again = corners(raw._replace(boxes=coded(boxes, raw.cells, raw.strides)[None]))
    torch.testing.assert_close(again[0], boxes, rtol=1e-4, atol=1e-3)


def test_perfect_boxes_have_no_loss_of_iou_and_l1():
    raw, boxes, labels = batch()
    place = assigned(
        corners(raw)[2], raw.objects[2], raw.classes[2], raw.cells, raw.strides, boxes[2], labels[2]
    ).places[0]  # fmt: skip
    exact = raw.boxes.clone()
    exact[2] = coded(boxes[2].expand(len(raw.cells), 4), raw.cells, raw.strides)
    found = losses(raw._replace(boxes=exact), [boxes[1], boxes[1], boxes[2]], [labels[1], labels[1], labels[2]], True)
    assert found["iou"].item() == pytest.approx(0, abs=1e-4)
    assert found["l1"].item() == pytest.approx(0, abs=1e-4)
    assert place >= 0
