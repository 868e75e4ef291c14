"""Boxes found, missed and false."""

import numpy as np
import pytest
import torch

from colourize.data.boxes.boxed import Boxed, Found
from colourize.evaluation.detection import outcomes
from colourize.evaluation.detection.matches import matches
from colourize.present import boxes as drawing

A, B, C = [10.0, 10, 30, 30], [50.0, 50, 90, 90], [0.0, 60, 20, 80]


@pytest.fixture
def truth():
    black = np.zeros((100, 100, 3), np.uint8)
    boxes, labels = torch.tensor([A, B]), torch.tensor([0, 1])
    return Boxed([black], [boxes], [labels], ("apple", "banana"), torch.tensor([[100, 100]]))


@pytest.fixture
def found():
    """Apple found, banana taken for an apple, and an apple where nothing is."""
    return [Found(torch.tensor([A, B, C]), torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 0, 0]))]


def test_the_curve_of_a_class_is_counted_from_the_best_score(truth, found):
    apples, bananas = matches(truth, found)
    curve = outcomes.curve(apples)
    assert curve.scores == pytest.approx([0.9, 0.8, 0.7]) and curve.recall.tolist() == [1, 1, 1]
    assert curve.precision == pytest.approx([1, 1 / 2, 1 / 3]) and outcomes.best_score(curve) == pytest.approx(0.9)
    assert np.isnan(outcomes.best_score(outcomes.curve(bananas)))


def test_the_confusion_table_counts_every_true_and_every_found_box_once(truth, found):
    table = outcomes.confusion(truth, found)
    assert table.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert outcomes.confusion(truth, found, 0.85).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert outcomes.confusion_rows(truth, table)[-1] == ["nothing there", "1", "0", ""]


def test_a_true_box_is_taken_once_by_the_best():
    true = torch.tensor([A])
    shifted = torch.tensor([[12.0, 10, 32, 30]])
    assert outcomes.paired(true, torch.cat((shifted, true))).tolist() == [0, -1]
    assert outcomes.paired(true[:0], true).tolist() == [-1]


def test_colours_say_what_was_found_missed_and_false(truth, found):
    shown = outcomes.shown(truth, 0, found[0])
    places = {"found": (29, 29), "missed": (70, 50), "false": (10, 79)}
    assert tuple(shown[places["found"][1], places["found"][0]]) == drawing.FOUND
    assert tuple(shown[79, 10]) == drawing.FALSE and tuple(shown[89, 70]) == drawing.FALSE
    missed = outcomes.shown(truth, 0, found[0], 0.85)
    assert tuple(missed[89, 70]) == drawing.MISSED
    assert not truth.picture(0).any()  # a copy


def test_a_sheet_contains_each_picture_once(truth, found):
    assert outcomes.examples(truth, found).shape == (256, 256, 3)
    with pytest.raises(ValueError, match="at least one picture"):
        drawing.sheet([])
