import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from colourize.data.augment import Augmentation, flipped, mixed, shifted
from colourize.errors import InputError


def batch(count=4, height=6, width=9):
    """A different grey for each pixel, and the same numbers as labels."""
    labels = torch.arange(count * height * width).view(count, height, width)
    return labels[:, None] / (count * height * width), labels


def same_pixels(grey, labels):
    return torch.equal((grey[:, 0] * labels.numel()).round().long(), labels)


def test_a_flip_mirrors_only_the_chosen_pictures():
    grey, labels = flipped(*batch(), torch.tensor([True, False, False, True]))
    _, before = batch()
    assert np.array_equal(labels[0], np.fliplr(before[0])) and np.array_equal(labels[3], np.fliplr(before[3]))
    assert torch.equal(labels[1:3], before[1:3])
    assert same_pixels(grey, labels)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-8, 8)), min_size=4, max_size=4))
def test_a_shift_equals_numpy_s_mirrored_border(offsets):
    grey, labels = shifted(*batch(), torch.tensor(offsets))
    _, before = batch()
    for picture, old, (down, right) in zip(labels.numpy(), before.numpy(), offsets, strict=True):
        padded = np.pad(old, ((5, 5), (8, 8)), mode="reflect")
        assert np.array_equal(picture, padded[5 - down : 11 - down, 8 - right : 17 - right])
    assert same_pixels(grey, labels)


def test_a_swapped_rectangle_comes_from_the_other_picture_and_the_rest_stays():
    grey, labels = mixed(*batch(), torch.tensor([1, 2, 3, 0]), (1, 4, 2, 7))
    _, before = batch()
    assert torch.equal(labels[:, 1:4, 2:7], before[[1, 2, 3, 0], 1:4, 2:7])
    labels[:, 1:4, 2:7] = before[:, 1:4, 2:7]
    assert torch.equal(labels, before)
    assert grey[0, 0, 1, 2] > grey[0, 0, 0, 2]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (8, 2), (32, 32)])
def test_pictures_and_labels_stay_aligned_in_every_size(size):
    torch.manual_seed(0)
    augment = Augmentation(flip=True, shift=4, mix=1.0)
    for _ in range(20):
        grey, labels = augment(*batch(3, *size))
        assert grey.shape == (3, 1, *size) and labels.shape == (3, *size)
        assert same_pixels(grey, labels)


def test_noise_changes_only_the_grey_and_has_the_given_deviation():
    torch.manual_seed(0)
    grey, labels = torch.full((8, 1, 64, 64), 0.5), torch.zeros(8, 64, 64, dtype=torch.int64)
    noisy, same = Augmentation(noise=0.05)(grey, labels)
    assert torch.equal(same, labels)
    assert (noisy - grey).std().item() == pytest.approx(0.05, rel=0.02)
    assert Augmentation(noise=1.0)(grey, labels)[0].min() >= 0 and Augmentation(noise=1.0)(grey, labels)[0].max() < 1


def test_the_same_seed_draws_the_same_numbers():
    augment = Augmentation(flip=True, shift=2, noise=0.1, mix=0.5)
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        drawn.append(augment(*batch()))
    assert all(torch.equal(*pair) for pair in zip(*drawn, strict=True))


def test_values_outside_their_range_are_refused():
    with pytest.raises(InputError, match=r"augment.shift must be >= 0 pixels, got -1"):
        Augmentation(shift=-1)
    with pytest.raises(InputError, match=r"augment.mix must be in \[0, 1\], got 1.5"):
        Augmentation(mix=1.5)
