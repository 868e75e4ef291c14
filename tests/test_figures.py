import io

import pytest
import torch

from colourize.figures import entropy_figure, picture_grid, reliability_figure, scatter_figure, strip_figure, wrapped


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


def test_a_long_name_is_told_in_lines_and_a_short_one_as_it_is():
    assert wrapped("true class, input's grey") == "true class, input's grey"
    lines = wrapped("ResUNet widths=[0.5,0.75,1,1] " * 20).splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 32 and lines[-1].endswith(" …")


@pytest.mark.parametrize("count", [2, 20])
def test_long_names_leave_room_for_what_they_name(count):
    """Warnings are errors here, matplotlib's of axes that collapse too."""
    names = [f"ResUNet widths=[0.5,0.75,1,1] loss=rebalanced palette=a/folder/of/colours.npy {i}, T = 1" * 2
             for i in range(count)]  # fmt: skip
    bins = torch.rand(15, 3, dtype=torch.float64) + 0.1
    for figure in (
        strip_figure({name: torch.rand(1, 3, 8, 8) for name in names}),
        reliability_figure(dict.fromkeys(names, bins)),
        scatter_figure(dict.fromkeys(names, (1.0, 2.0)), 3.0),
    ):
        figure.savefig(io.BytesIO(), format="png", dpi=40)
        assert min(axis.get_window_extent().width for axis in figure.axes) > 10
