"""The flicker benchmark: its films and their motion, against motion that is known."""

import numpy as np
import pytest

from benchmarks import clips, flicker
from tests import films
from tests.textured import textured


def test_the_motion_of_a_moving_camera_is_found_and_what_has_just_come_into_view_was_nowhere():
    world = np.asarray(textured(0, 90, 80).convert("L")) / 255
    was = clips.previous(world[5:69, 7:71], world[6:70, 9:73])  # content moves one row up, two columns to the left
    seen = was[0] > -1
    expected = np.indices((64, 64)) + np.array([1, 2])[:, None, None]
    assert np.median(np.abs(was - expected)[:, seen]) < 0.05
    assert seen[8:-8, 8:-8].mean() > 0.95
    assert not seen[-1].any() and not seen[:, -2:].any()


def test_a_real_film_keeps_its_frames_and_has_no_motion_across_a_cut(tmp_path):
    frames = films.grey_frames(6)
    frames[3:] = 255 - frames[3:]
    clip = clips.filmed(films.make(tmp_path / "cut.mp4", frames, qp="0"), 5)
    assert clip.frames.shape == (5, 48, 64, 3) and clip.grain == 0
    known = (clip.was > -1).any((1, 2, 3))
    assert known.tolist() == [False, True, True, False, True]


def test_a_large_film_is_made_smaller(tmp_path):
    clip = clips.filmed(films.make(tmp_path / "large.mp4", films.grey_frames(1, (800, 544))), 9)
    assert clip.frames.shape == (1, 144, 212, 3)


def test_colours_that_move_with_the_camera_do_not_flicker_along_the_motion_but_do_at_one_place():
    world = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    clip = clips.pan("noise", world, (64, 96), (1, 4), 8)
    along, there, chroma, error = flicker.measured(clip, list(clip.frames))
    assert along == error == 0
    assert there > 10 and chroma > 10


@pytest.mark.parametrize("grain", [0, 3])
def test_grain_is_another_in_each_frame_and_has_its_standard_deviation(grain):
    grey = np.full((2, 64, 64, 3), 100, np.uint8)
    clip = clips.Clip("grey", grey, np.zeros((2, 2, 64, 64), np.float32), grain)
    first, second = flicker.grainy(clip)
    assert np.std(first[..., 0] - 100.0) == pytest.approx(grain, rel=0.05)
    assert np.array_equal(first, second) == (grain == 0)
