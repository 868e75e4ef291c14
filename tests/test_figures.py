import torch

from colourize.figures import picture_grid


def test_the_grid_shows_each_row_in_its_place():
    grey = torch.full((4, 1, 8, 8), 0.25)
    colours = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1).expand(4, 3, 8, 8)
    grid = picture_grid(grey, colours, zoom=2)
    assert grid.shape == (3, 2 * (2 * 9 + 1), 2 * (4 * 9 + 1))
    assert grid[:, 6, 6].tolist() == [0.25] * 3
    assert grid[:, 2 * 9 + 6, 6].tolist() == [1.0, 0.0, 0.5]
