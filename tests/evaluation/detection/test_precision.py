"""Average precision against numbers made by hand, and against pycocotools on resampled pictures."""

import contextlib
import io

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from colourize.data.boxes.boxed import Boxed, Found, empty
from colourize.evaluation.detection import precision
from colourize.evaluation.detection.matches import matches


def _truth(*pictures, classes=("apple", "banana"), crowds=None):
    """Pictures of 100 x 100 pixels with boxes and labels."""
    boxes = [torch.tensor(b, dtype=torch.float32).reshape(-1, 4) for b, _ in pictures]
    labels = [torch.tensor(each, dtype=torch.int64) for _, each in pictures]
    black = [np.zeros((100, 100, 3), np.uint8)] * len(pictures)
    return Boxed(black, boxes, labels, classes, torch.full((len(pictures), 2), 100), crowds)


def _found(boxes, scores, labels):
    return Found(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), torch.tensor(scores), torch.tensor(labels))


A, B, C = [10, 10, 30, 30], [50, 50, 90, 90], [0, 60, 20, 80]


def test_boxes_that_equal_the_truth_have_precision_one():
    truth = _truth(([A, B], [0, 1]), ([C], [0]))
    found = [_found([A, B], [0.9, 0.8], [0, 1]), _found([C], [0.7], [0])]
    measured = precision.precision(truth, found)
    assert (measured.ap, measured.ap50) == (1, 1) and measured.by_class.tolist() == [1, 1]


def test_one_of_two_boxes_found_gives_the_recalls_up_to_a_half():
    measured = precision.precision(_truth(([A, C], [0, 0])), [_found([A], [0.9], [0])])
    assert measured.ap == pytest.approx(51 / 101)  # recalls 0, 0.01, ... 0.5
    assert np.isnan(measured.by_class[1])


def test_a_false_box_before_the_true_one_halves_precision_and_one_after_it_does_not_count():
    truth = _truth(([A], [0]))
    assert precision.precision(truth, [_found([B, A], [0.9, 0.8], [0, 0])]).ap == pytest.approx(0.5)
    assert precision.precision(truth, [_found([A, B], [0.9, 0.8], [0, 0])]).ap == pytest.approx(1)


def test_an_overlap_of_0_72_counts_for_half_of_the_thresholds():
    truth = _truth(([[0, 0, 100, 50]], [0]))
    measured = precision.precision(truth, [_found([[0, 0, 72, 50]], [0.9], [0])])
    assert measured.ap50 == 1 and measured.ap == pytest.approx(0.5)  # 0.50, 0.55, 0.60, 0.65, 0.70


def test_a_second_box_on_the_same_object_and_another_class_are_false():
    truth = _truth(([A], [0]), ([], []))
    twice = _found([A, A], [0.9, 0.8], [0, 0])
    assert precision.precision(truth, [twice, _found([A], [0.95], [0])]).ap == pytest.approx(0.5)
    assert precision.precision(truth, [_found([A], [0.9], [1]), empty()]).ap == 0


def test_a_box_on_a_group_is_neither_true_nor_false():
    truth = _truth(([A, B], [0, 0]), crowds=[torch.tensor([False, True])])
    assert precision.precision(truth, [_found([B, A], [0.9, 0.8], [0, 0])]).ap == 1


def test_nothing_to_find_is_nan():
    measured = precision.precision(_truth(([], [])), [empty()])
    assert np.isnan(measured.ap) and np.isnan(measured.ap50)


def _random(seed, count=12):
    """Pictures with up to five boxes, of which a detector finds most, shifted, and others that are false."""
    random = np.random.default_rng(seed)
    pictures, found = [], []
    for _ in range(count):
        n = random.integers(0, 6)
        corner, side = random.uniform(0, 60, (n, 2)), random.uniform(10, 40, (n, 2))
        boxes, labels = np.concatenate((corner, corner + side), 1), random.integers(0, 2, n)
        pictures.append((boxes.tolist(), labels.tolist()))
        seen = random.random(n) < 0.8
        shifted = boxes[seen] + random.normal(0, 2, (seen.sum(), 4))
        false = random.uniform(0, 50, (2, 2))
        boxes = np.concatenate((shifted, np.concatenate((false, false + 30), 1)))
        labels = np.concatenate((labels[seen], random.integers(0, 2, 2)))
        found.append(_found(boxes.tolist(), random.random(len(boxes)).tolist(), labels.tolist()))
    return _truth(*pictures), found


def _by_coco(truth, found):
    """AP and AP50 as pycocotools summarizes them."""
    numbered, detected = [], []
    for index in range(len(truth)):
        for box, label in zip(truth.boxes[index].double().tolist(), truth.labels[index].tolist(), strict=True):
            sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            numbered.append({"id": len(numbered) + 1, "image_id": index, "category_id": label, "bbox": sides,
                             "area": sides[2] * sides[3], "iscrowd": 0})  # fmt: skip
        for box, score, label in zip(*(part.double().tolist() for part in found[index]), strict=True):
            detected.append([index, box[0], box[1], box[2] - box[0], box[3] - box[1], score, label])
    with contextlib.redirect_stdout(io.StringIO()):
        true = COCO()
        images = [{"id": index} for index in range(len(truth))]
        true.dataset = {"images": images, "annotations": numbered, "categories": [{"id": 0}, {"id": 1}]}
        true.createIndex()
        evaluation = COCOeval(true, true.loadRes(np.array(detected)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[:2]


@pytest.mark.parametrize("seed", range(3))
def test_precision_is_what_pycocotools_summarizes(seed):
    truth, found = _random(seed)
    measured = precision.precision(truth, found)
    assert [measured.ap, measured.ap50] == pytest.approx(_by_coco(truth, found).tolist(), abs=1e-9)


def test_a_resample_is_measured_as_if_each_draw_were_a_picture_of_its_own():
    truth, found = _random(5)
    counts = precision.resampled_counts(len(truth), 3, 0)
    assert counts.sum(1).tolist() == [len(truth)] * 3
    values = precision.averages(matches(truth, found), counts)
    for row, drawn in enumerate(counts.astype(int)):
        picked = np.repeat(np.arange(len(truth)), drawn)
        expected = _by_coco(truth.chosen(picked.tolist()), [found[i] for i in picked])
        assert [np.nanmean(values[row]), np.nanmean(values[row, :, 0])] == pytest.approx(expected.tolist(), abs=1e-9)


def test_intervals_contain_the_estimate_and_a_difference_from_itself_is_zero():
    truth, found = _random(7)
    measured = precision.intervals(truth, found, 200)
    assert measured.ap.low < measured.ap.estimate < measured.ap.high <= 1
    assert measured.ap.estimate == precision.precision(truth, found).ap
    assert precision.difference(truth, found, found, 50).ap == (0, 0, 0)


def test_other_numbers_of_predictions_and_pictures_are_refused():
    with pytest.raises(ValueError, match="one entry for each of 1 pictures"):
        precision.precision(_truth(([A], [0])), [])
