"""Steady colours, against closed forms and motion that is known."""

import numpy as np
import pytest
from scipy import ndimage

from colourize.errors import InputError
from colourize.inference.film import cuts, motion, steady
from colourize.inference.film.flicker import flicker

RNG = np.random.default_rng(0)
SHAPE, CLASSES = (12, 16), 4


def shares(number):
    """Probabilities [K, H, W] of frame ``number``: noise."""
    drawn = np.random.default_rng(number).dirichlet(np.ones(CLASSES), SHAPE)
    return np.moveaxis(drawn, -1, 0).astype(np.float32)


def texture(height, width, seed=0):
    """A smooth grey picture with coarse and fine parts, in [0, 1]."""
    drawn = np.random.default_rng(seed).standard_normal((height, width))
    noise = sum(sigma * ndimage.gaussian_filter(drawn, sigma) for sigma in (2.0, 6.0, 18.0))
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


def films(count, way, lightness=None, grey=None):
    """The average after ``count`` frames of a still picture."""
    past = None
    light = np.full(SHAPE, 50, np.float32) if lightness is None else lightness
    grey = texture(48, 64) if grey is None else grey
    for number in range(count):
        past = steady.averaged(past, shares(number), light, grey, SHAPE, way)
    return past


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_a_still_shot_has_the_mean_of_its_frames(count):
    expected = np.mean([shares(number) for number in range(count)], axis=0)
    np.testing.assert_allclose(films(count, "time").shares, expected, atol=1e-6)
    np.testing.assert_allclose(films(count, "flow").shares, expected, atol=0.02)  # the flow is zero to a hundredth


def test_a_long_still_shot_forgets_like_an_exponential_average():
    expected = np.mean([shares(number) for number in range(12)], axis=0)
    for number in range(12, 30):
        expected = expected + (shares(number) - expected) / 12
    np.testing.assert_allclose(films(30, "time").shares, expected, atol=1e-6)


@pytest.mark.parametrize("way", steady.WAYS)
def test_averages_are_probabilities(way):
    past = films(5, way)
    np.testing.assert_allclose(past.shares.sum(0), 1, atol=1e-5)
    assert past.shares.min() >= 0


def test_off_is_frame_by_frame():
    np.testing.assert_array_equal(films(5, "off").shares, shares(4))


@pytest.mark.parametrize("way", ["time", "flow"])
def test_a_cut_restarts_the_average(way):
    before = films(6, way, grey=texture(48, 64) / 3)
    now = steady.averaged(before, shares(9), np.full(SHAPE, 50, np.float32), texture(48, 64, 1) / 3 + 0.6, SHAPE, way)
    np.testing.assert_array_equal(now.shares, shares(9))
    assert (now.frames == 1).all()


def test_the_average_restarts_where_the_lightness_changes_and_continues_elsewhere():
    light = np.full(SHAPE, 50, np.float32)
    past = films(6, "time", light)
    changed = light.copy()
    changed[:, :5] += 40
    now = steady.averaged(past, shares(9), changed, texture(48, 64), SHAPE, "time")
    np.testing.assert_allclose(now.shares[:, :, :5], shares(9)[:, :, :5], atol=1e-6)
    np.testing.assert_allclose(now.shares[:, :, 5:], ((6 * past.shares + shares(9)) / 7)[:, :, 5:], atol=1e-6)


def test_averages_move_with_the_picture():
    """A picture moves by two cells; the average along the flow is the one that was there, moved by two cells."""
    world = texture(96, 160)
    grey, moved = world[:, 8:136], world[:, 24:152]  # 16 pixels to the left, of 128: two cells of 16
    light = 100 * world.reshape(12, 8, 20, 8).mean((1, 3))
    past = steady.first(shares(0), light[:, 1:17], grey)
    now = steady.averaged(past, shares(1), light[:, 3:19], moved, SHAPE, "flow")
    expected = (shares(0)[:, :, 2:] + shares(1)[:, :, :-2]) / 2
    inner = np.s_[:, 2:-2, 2:-2]
    assert np.abs(now.shares[:, :, :-2] - expected)[inner].mean() < 0.02
    still = steady.averaged(past, shares(1), light[:, 3:19], moved, SHAPE, "time")
    assert np.abs(still.shares[:, :, :-2] - expected)[inner].mean() > 0.05


def test_the_noise_of_a_sample_moves_with_the_picture_and_continues_where_more_comes_into_sight():
    """The camera moves by two cells a frame; the place of the noise, minus that of the picture, stays."""
    world = texture(96, 240)
    light = 100 * world.reshape(12, 8, 30, 8).mean((1, 3))
    past = None
    for t in range(5):
        past = steady.averaged(past, shares(t), light[:, 2 * t : 2 * t + 16], world[:, 16 * t : 16 * t + 128], SHAPE)
    apart = past.origin - motion.places(SHAPE)
    assert np.abs(np.median(apart[1]) - 8) < 0.3
    assert np.abs(np.median(apart[1][:, -2:]) - 8) < 1.0  # came into sight
    assert np.abs(np.median(apart[0])) < 0.1


def test_places_outside_are_mirrored_at_the_border():
    at = np.array([[-1, 0, 3, 4, 7], [-2, 1, 5, 6, 12]], np.float32)
    np.testing.assert_array_equal(motion.mirrored(at, (4, 6)), [[1, 0, 3, 2, 1], [2, 1, 5, 4, 2]])
    np.testing.assert_array_equal(motion.mirrored(at, (1, 1)), np.zeros((2, 5)))
    columns = np.arange(-5, 11)
    expected = np.pad(np.arange(6), 5, mode="reflect")
    np.testing.assert_array_equal(motion.mirrored(np.stack([columns, columns]).astype(np.float32), (6, 6))[0], expected)


@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-5, 7)])
def test_the_flow_of_a_moved_picture_is_its_motion(shift):
    world = texture(160, 200)
    now = world[20:140, 20:180]
    before = world[20 + shift[0] : 140 + shift[0], 20 + shift[1] : 180 + shift[1]]
    flow = motion.backward(before, now)
    expected = np.array([-shift[0], -shift[1]])[:, None, None]
    assert np.median(np.abs(flow - expected)[:, 10:-10, 10:-10]) < 0.1


def test_places_between_cells_are_interpolated_as_by_scipy():
    values = RNG.standard_normal((3, 7, 9)).astype(np.float32)
    at = RNG.uniform(-2, 11, (2, 5, 6)).astype(np.float32)
    expected = [ndimage.map_coordinates(channel, at, order=1, mode="nearest") for channel in values]
    np.testing.assert_allclose(motion.sampled(values, at), expected, atol=1e-5)


def test_a_pan_a_fade_and_a_small_object_are_not_a_cut_but_another_picture_is():
    world = texture(64, 200)
    frame = world[:, 20:100]
    darker = 0.9 * frame
    object_ = frame.copy()
    object_[10:30, 10:30] = 1
    assert not any(cuts.is_cut(frame, other) for other in (world[:, 25:105], darker, object_))
    assert cuts.is_cut(frame, frame / 4)
    assert cuts.distance(frame, frame) == 0
    assert cuts.distance(np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)) == pytest.approx(1)


def test_flicker_is_the_change_of_chroma_where_lightness_stays():
    grey = np.full((6, 8, 3), 128, np.uint8)
    red = np.full((6, 8, 3), (166, 112, 113), np.uint8)  # about as light
    assert flicker(grey, grey) == 0
    assert flicker(grey, red) == pytest.approx(np.hypot(22.0, 9.0), rel=0.1)
    assert np.isnan(flicker(grey, np.zeros_like(grey)))


def test_flicker_along_a_known_motion_is_zero_for_colours_that_move_along():
    world = RNG.integers(0, 255, (10, 30, 3), dtype=np.uint8)
    before, now = world[:, :20], world[:, 3:23]
    at = motion.places((10, 20)) + np.array([0, 3], np.float32)[:, None, None]
    assert flicker(before, now, at) == pytest.approx(0, abs=1e-4)


def test_another_way_is_refused():
    with pytest.raises(InputError, match="flow, time, off, got 'no'"):
        films(1, "no")
