import pytest
import torch

from colourize.colour import rgb
from colourize.colour.rgb import eight_bit, grey, packed, per_colour, scaled, unpacked

LEVELS = torch.arange(256, dtype=torch.uint8)


def test_every_8_bit_value_survives_the_conversion_to_float_and_back():
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


def test_packing_a_colour_loses_nothing():
    colours = torch.randint(0, 256, (100, 3), dtype=torch.uint8)
    assert unpacked(packed(colours)).equal(colours)


def test_a_function_of_colours_is_looked_up_and_computed_once_for_each():
    images = torch.randint(0, 3, (5, 4, 6, 3), dtype=torch.uint8)
    asked = []

    def product(colours):
        asked.append(colours)
        return colours.float().prod(dim=1)

    values = torch.cat(list(per_colour(images, product, torch.float32)))
    assert values.equal(images.float().prod(dim=-1))
    assert len(asked) == 1
    assert len(asked[0]) == len(asked[0].unique(dim=0)) == len(images.flatten(0, 2).unique(dim=0))


@pytest.mark.parametrize("few", [0, 119, 120])
def test_both_algorithms_for_few_and_many_pixels_give_the_same_values(few, monkeypatch):
    monkeypatch.setattr(rgb, "FEW", few)
    images = torch.randint(0, 256, (5, 4, 6, 3), dtype=torch.uint8)
    values = torch.cat(list(per_colour(images, lambda colours: colours.sum(1), torch.int16)))
    assert values.dtype == torch.int16
    assert values.equal(images.sum(-1).short())


def test_greys_of_many_pictures_are_computed_in_parts(monkeypatch):
    images = torch.randint(0, 256, (7, 5, 6, 3), dtype=torch.uint8)
    expected = images.double().mean(-1)[:, None] / 256
    for pixels in (1, 70, 1000):
        monkeypatch.setattr("colourize.colour.rgb.PIXELS", pixels)
        assert torch.equal(grey(images), expected.float())
    assert grey(images[:0]).shape == (0, 1, 5, 6)
