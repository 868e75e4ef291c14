import torch

from colourize.colour import eight_bit, grey, scaled

LEVELS = torch.arange(256, dtype=torch.uint8)


def test_every_8_bit_value_survives_the_way_to_a_float_and_back():
    assert torch.equal(eight_bit(scaled(LEVELS)), LEVELS)


def test_colours_outside_the_range_are_clamped():
    assert eight_bit(torch.tensor([-0.5, 1.0, 2.0])).tolist() == [0, 255, 255]


def test_grey_is_the_mean_of_the_channels_over_256():
    images = torch.randint(0, 256, (3, 5, 4, 3), dtype=torch.uint8)
    expected = images.numpy().astype("float64").mean(axis=-1) / 256
    assert torch.allclose(grey(images)[:, 0].double(), torch.from_numpy(expected), rtol=0, atol=1e-7)


def test_a_grey_picture_is_its_own_grey():
    images = LEVELS.view(1, 16, 16, 1).expand(-1, -1, -1, 3)
    assert torch.equal(grey(images)[:, 0], scaled(LEVELS.view(1, 16, 16)))
