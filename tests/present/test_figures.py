import io

import numpy as np
import pytest
import torch
from PIL import Image

from colourize.present.figures import (
    GAP,
    SHEET,
    entropy_figure,
    picture_grid,
    reliability_figure,
    save,
    save_curves,
    scatter_figure,
    strip_figure,
    wrapped,
)


def test_the_grid_shows_each_row_in_its_place():
    grey = torch.full((4, 1, 8, 8), 0.25)
    colours = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1).expand(4, 3, 8, 8)
    grid = picture_grid(grey, colours, zoom=2)
    assert grid.shape == (3, 2 * (2 * 9 + 1), 2 * (4 * 9 + 1))
    assert grid[:, 6, 6].tolist() == [0.25] * 3
    assert grid[:, 2 * 9 + 6, 6].tolist() == [1.0, 0.0, 0.5]


def test_the_entropy_row_is_dark_for_certain_and_bright_for_uncertain_pixels():
    entropy = torch.zeros(2, 8, 8)
    entropy[1, 4:] = 3.0
    figure = entropy_figure({"grey": torch.full((2, 1, 8, 8), 0.5)}, entropy)
    *_, row, bar = figure.axes
    sure, unsure = row.images[0].get_array()[:, :112], row.images[0].get_array()[:, 112 + GAP : 2 * 112 + GAP]
    assert sure.max() < 0.05
    assert unsure[56:].mean() > unsure[:56].mean() + 0.5
    assert bar.get_xlim() == (0, 3)


def test_a_long_name_is_wrapped_and_a_short_one_is_not():
    assert wrapped("true class, input's grey") == "true class, input's grey"
    lines = wrapped("ResUNet widths=[0.5,0.75,1,1] " * 20).splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 32 and lines[-1].endswith(" …")


@pytest.mark.parametrize("count", [2, 20])
def test_long_names_leave_room_for_the_data(count):
    """Warnings are errors here, including matplotlib's about collapsed axes."""
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


def drawn(figure, path):
    """The pixels in a figure's file: uint8 [H, W, 3]."""
    save(figure, path)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def is_in(part, whole):
    """Whether an array [h, w, 3] occurs in another one, to within one level."""
    rows, columns = (np.arange(whole.shape[axis] - part.shape[axis] + 1) for axis in (0, 1))
    corners = np.abs(whole[rows][:, columns].astype(int) - part[0, 0]).max(2) <= 1
    return any(
        np.abs(whole[y : y + part.shape[0], x : x + part.shape[1]].astype(int) - part).max() <= 1
        for y, x in np.argwhere(corners)
    )


@pytest.mark.parametrize(("side", "zoom"), [(8, 14), (32, 4), (64, 2), (65, 1), (128, 1), (200, 1), (400, 1)])
def test_every_pixel_of_a_picture_is_an_integer_number_of_dots(tmp_path, side, zoom):
    pictures = torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    pixels = drawn(strip_figure({"original": pictures, "grey": pictures[:, :1]}, "a title"), tmp_path / "out.png")
    assert pixels.shape[1] <= SHEET
    for picture in pictures[:3]:
        want = (255 * picture.permute(1, 2, 0).numpy()).round().astype(int)
        assert is_in(want.repeat(zoom, 0).repeat(zoom, 1), pixels)


@pytest.mark.parametrize(
    ("side", "shown", "wide"), [(128, 10, 128), (180, 10, 180), (256, 7, 256), (512, 3, 512), (900, 3, 0)]
)
def test_a_sheet_shows_as_many_large_pictures_as_fit(tmp_path, side, shown, wide):
    pictures = torch.zeros(10, 3, side, side)
    pixels = drawn(strip_figure({"original": pictures}), tmp_path / "out.png")
    assert pixels.shape[1] <= SHEET
    black = (pixels[pixels.shape[0] // 2, 60:] < 5).all(1)
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate(([0], black.astype(int), [0])))))[::2]
    assert len(runs) == shown and len(set(runs)) == 1
    assert runs[0] == wide or (not wide and 600 < runs[0] < 660)


@pytest.mark.parametrize("count", [1, 2, 10])
@pytest.mark.parametrize("title", ["", "ConvTransposeNet, kernel 3, scenes, and a title longer than the sheet is wide"])
def test_labels_are_complete_for_any_number_of_pictures(tmp_path, count, title):
    """No ink at the edges, so nothing is cut off; and labels of one picture have as much ink as labels of ten."""
    names = ["original", "nearest colour by grey", "ResUNet widths=[0.5,0.75,1,1] loss=rebalanced " * 3]
    figure = strip_figure({name: torch.zeros(count, 3, 8, 8) for name in names}, title)
    pixels = drawn(figure, tmp_path / "out.png")
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    assert all((edge == 255).all() for edge in edges)
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    assert all(box.x1 <= pixels.shape[1] and box.y1 <= pixels.shape[0] for box in boxes)
    assert all(not first.overlaps(second) for place, first in enumerate(boxes) for second in boxes[:place])


@pytest.mark.parametrize("validated", [[0], [59], [10, 59], range(60)])
def test_isolated_points_of_a_curve_are_visible(tmp_path, monkeypatch, validated):
    """A point without a neighbour has no line, so it needs a marker."""
    kept = []
    monkeypatch.setattr("colourize.present.figures.save", lambda figure, path: kept.append(figure))
    count = 1 if validated == [0] else 60
    rows = [
        {"epoch": epoch, "train/loss": 1.0, "train/accuracy": 0.5}
        | ({"val/loss": 2.0, "val/accuracy": 0.4} if epoch in validated else {})
        for epoch in range(count)
    ]
    save_curves(tmp_path / "curves.png", rows, "title")
    for axis in kept[0].axes:
        train, val = axis.lines
        assert (train.get_marker() not in ("None", None, "")) == (count == 1)
        assert (val.get_marker() not in ("None", None, "")) == (len(validated) < 60)
        assert len(val.get_xdata()) == len(validated)
        assert all(tick == int(tick) for tick in axis.get_xticks())
