import numpy as np
import torch

from colourize.models.lookup import LookupTable, grey_level
from colourize.models.place_table import BANDS, GRID, WEIGHTS, PlaceTable, bands, best_weight, cells, place_counts


def drawn(count, seed=0, height=16, width=24):
    """Random greys; most pixels have the colour of their half of the picture, upper or lower."""
    generator = torch.Generator().manual_seed(seed)
    grey = torch.randint(0, 766, (count, 1, height, width), generator=generator) / 768
    labels = (torch.arange(height) >= height // 2).long()[:, None].expand(count, height, width)
    other = torch.rand(count, height, width, generator=generator) < 0.2
    return grey, torch.where(other, 2, labels)


def fitted(grey, labels):
    table = LookupTable(3)
    table.fit(grey, labels)
    place = PlaceTable(table)
    place.fit(grey, labels)
    return table, place


def test_places_are_an_eighth_of_a_side_each():
    grid = cells(24, 16)
    assert grid[0, 0] == 0 and grid[-1, -1] == GRID**2 - 1 and cells(1, 1)[0, 0] == 4 * GRID + 4
    assert torch.equal(grid.flatten().bincount(), torch.full((64,), 6))


def test_counts_are_numpy_s():
    grey, labels = drawn(5)
    counts = place_counts(grey, labels, 3)
    expected = np.zeros((GRID**2, BANDS, 3))
    place, level = cells(16, 24).expand_as(labels).numpy(), grey_level(grey).numpy() * BANDS // 766
    np.add.at(expected, (place, level, labels.numpy()), 1)
    assert np.array_equal(counts.sum(0).numpy(), expected)


def test_probabilities_are_counts_smoothed_towards_those_of_the_grey_level():
    table, place = fitted(*drawn(20))
    grey, _ = drawn(1, seed=1)
    found = place(grey)[0].exp()
    row, column, weight = 3, 5, float(place.weight)
    counts = place.counts[cells(16, 24)[row, column], bands(grey)[0, row, column]].double()
    likely = table(grey)[0, :, row, column].exp()
    expected = (counts + weight * likely) / (counts.sum() + weight)
    assert torch.allclose(found[:, row, column].double(), expected, atol=1e-6)
    assert torch.allclose(found.sum(0), torch.ones(16, 24), atol=1e-5)


def test_it_uses_the_place_and_the_table_does_not():
    table, place = fitted(*drawn(600))
    grey, labels = drawn(20, seed=1)
    by_grey, by_place = (torch.nn.functional.cross_entropy(each(grey), labels) for each in (table, place))
    entropy = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    assert entropy - 0.03 < by_place < entropy + 0.05 < by_grey - 0.4


def test_if_the_place_is_uninformative_the_grey_level_has_more_weight():
    generator = torch.Generator().manual_seed(0)
    grey = torch.randint(0, 766, (40, 1, 16, 16), generator=generator) / 768
    labels = torch.randint(0, 3, (40, 16, 16), generator=generator)
    assert best_weight(place_counts(grey, labels, 3).double()) >= WEIGHTS[2]


def test_before_the_fit_it_equals_the_table():
    table = LookupTable(3)
    grey, labels = drawn(4)
    table.fit(grey, labels)
    assert torch.allclose(PlaceTable(table)(grey), table(grey), atol=1e-6)
