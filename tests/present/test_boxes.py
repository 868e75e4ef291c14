"""Boxes drawn on pictures."""

import numpy as np

from colourize.present import boxes


def test_a_box_covers_its_own_border_pixels_and_nothing_outside():
    picture = np.zeros((40, 50, 3), np.uint8)
    result = boxes.drawn(picture, [boxes.Drawn([10, 5, 20, 15], (255, 0, 0))])
    rows, columns = np.nonzero(result[..., 0])
    assert [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1] == [5, 15, 10, 20]
    assert not result[6:14, 11:19].any()


def test_text_at_the_upper_border_stays_within_the_picture():
    picture = np.zeros((40, 80, 3), np.uint8)
    result = boxes.drawn(picture, [boxes.Drawn([0, 0, 70, 40], (0, 200, 0), "apple 0.9")])
    assert (result > 200).all(axis=2).any()


def test_pictures_of_different_sizes_share_a_sheet():
    pictures = [np.full((height, 30, 3), 9, np.uint8) for height in (10, 60, 30)]
    page = boxes.sheet(pictures, 64, 2)
    assert page.shape == (128, 128, 3) and (page[96, 96] == 255).all() and (page[32, 32] == 9).all()
