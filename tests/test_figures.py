import torch

from colourize.figures import entropy_figure, picture_grid


def test_the_grid_shows_each_row_in_its_place():
    grey = torch.full((4, 1, 8, 8), 0.25)
    colours = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1).expand(4, 3, 8, 8)
    grid = picture_grid(grey, colours, zoom=2)
    assert grid.shape == (3, 2 * (2 * 9 + 1), 2 * (4 * 9 + 1))
    assert grid[:, 6, 6].tolist() == [0.25] * 3
    assert grid[:, 2 * 9 + 6, 6].tolist() == [1.0, 0.0, 0.5]


def test_the_entropy_row_is_dark_where_nothing_is_open_and_bright_where_most_is():
    entropy = torch.zeros(2, 8, 8)
    entropy[1, 4:] = 3.0
    figure = entropy_figure({"grey": torch.full((2, 1, 8, 8), 0.5)}, entropy)
    *_, sure, unsure, bar = figure.axes
    assert sure.images[0].get_array().max() < 0.05
    assert unsure.images[0].get_array()[4:].mean() > unsure.images[0].get_array()[:4].mean() + 0.5
    assert bar.get_xlim() == (0, 3)
