"""Figures: rows of pictures, curves, charts. N pictures, H height, W width."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor, from_numpy
from torchvision.utils import make_grid

from colourize import files

MARKERS = "os^Dv*P"
DPI = 100
OWN_SIZE, SMALL = 64, 112  # pixels: pictures of up to 64 pixels are enlarged to about 112
SHEET, GAP, BAR = 2_000, 6, 56  # pixels: largest width of a sheet, gap between pictures, height of a scale below them
MANY = 40  # a curve with at least this many points has no markers
FEWEST = 3  # a sheet shows at least this many pictures
FIGURES = ".png", ".pdf", ".svg"  # formats of figures


def save(figure: Figure, path: Path) -> None:
    """Writes a figure atomically, in the format of the file's extension, one of ``FIGURES``."""
    form = path.suffix.lower().removeprefix(".")
    files.replace(path, lambda file: figure.savefig(file, format=form))


def wrapped(name: str) -> str:
    """Wraps a name to at most five lines of up to 32 characters, so that margin and legend stay small."""
    return textwrap.fill(name, 32, max_lines=5, placeholder=" …")


def picture_grid(*rows: Tensor, zoom: int = 3) -> Tensor:
    """Joins rows of pictures to one picture: each row [N, C, H, W] in [0, 1], C = 1 or 3 -> [3, rows * H', N * W']."""
    pictures = [picture for row in rows for picture in row.expand(-1, 3, -1, -1)]
    grid = make_grid(pictures, nrow=len(rows[0]), padding=1, pad_value=1.0)
    return grid.repeat_interleave(zoom, dim=1).repeat_interleave(zoom, dim=2)


def strip_figure(rows: Mapping[str, Tensor], title: str = "", below: int = 0) -> Figure:
    """Rows of the same pictures with names at the left: each [N, C, H, W] in [0, 1], C = 1 or 3; one dot per pixel.

    Pictures above 64 pixels are shown at their own size, smaller ones are enlarged by an integer factor. If the sheet
    would be wider than ``SHEET`` pixels, fewer pictures are shown; if not even three fit, these three are reduced.

    Args:
        rows: the rows by their names.
        title: title of the sheet.
        below: free pixels at the bottom.
    """
    figure = Figure(dpi=DPI)
    count = len(next(iter(rows.values())))
    names = [figure.text(0, 0, wrapped(name), fontsize=9, ha="right", va="center") for name in rows]
    margin = 2 * GAP + max(math.ceil(name.get_window_extent().width) for name in names)
    height, width = next(iter(rows.values())).shape[-2:]
    shown, (tall, wide) = _fitting(count, height, width, SHEET - margin)
    lines = [max(tall, math.ceil(name.get_window_extent().height)) + GAP for name in names]
    title = ", ".join(filter(None, [title, f"{shown} of {count} pictures" if shown < count else ""]))
    heading = figure.text(0, 0, title, fontsize=10, ha="center", va="top")
    across = max(margin + shown * (wide + GAP), math.ceil(heading.get_window_extent().width) + 2 * GAP)
    top = GAP + (math.ceil(heading.get_window_extent().height) + GAP if title else 0)
    down = top + sum(lines) + below
    figure.set_size_inches(across / DPI, down / DPI)
    heading.set_position((0.5, 1 - GAP / down))
    for name, pictures, line in zip(names, rows.values(), lines, strict=True):
        name.set_position(((margin - GAP) / across, 1 - (top + (line - GAP) / 2) / down))
        under = down - top - tall - (line - GAP - tall) // 2
        row = F.pad(_resized(pictures.expand(-1, 3, -1, -1)[:shown], tall, wide), (0, GAP), value=1.0)  # white
        axis = figure.add_axes((margin / across, under / down, shown * (wide + GAP) / across, tall / down))
        axis.imshow(row.permute(2, 0, 3, 1).flatten(1, 2).cpu().numpy(), interpolation="nearest", aspect="auto")
        axis.set_axis_off()
        top += line
    return figure


def _fitting(count: int, height: int, width: int, room: int) -> tuple[int, tuple[int, int]]:
    """The number of pictures shown in ``room`` pixels, and their height and width in pixels."""
    side = max(height, width)
    zoom = max(1, round(SMALL / side)) if side <= OWN_SIZE else 1
    shown = min(count, max(FEWEST, room // (zoom * width + GAP)))
    share = min(1.0, (room // shown - GAP) / (zoom * width))
    return shown, (max(1, round(zoom * height * share)), max(1, round(zoom * width * share)))


def _resized(pictures: Tensor, height: int, width: int) -> Tensor:
    """Pictures [N, 3, H, W] enlarged by repeating pixels, or reduced: -> [N, 3, height, width]."""
    pictures = pictures.detach().float()
    if height < pictures.shape[2]:
        smaller = F.interpolate(pictures, (height, width), mode="bilinear", antialias=True)
        return smaller.clamp(0, 1)
    zoom = height // pictures.shape[2]
    return pictures.repeat_interleave(zoom, dim=2).repeat_interleave(zoom, dim=3)


def entropy_figure(rows: Mapping[str, Tensor], entropy: Tensor, title: str = "") -> Figure:
    """Rows as in ``strip_figure``, and below them the entropy of each pixel: [N, H, W] in bits, dark 0."""
    scale = ScalarMappable(Normalize(0, max(entropy.max().item(), 0.1)), "inferno")
    rgba = np.asarray(scale.get_cmap()(scale.norm(entropy.cpu().numpy())))
    colours = from_numpy(rgba[..., :3]).permute(0, 3, 1, 2)
    figure = strip_figure({**rows, "entropy": colours}, title, below=BAR)
    down = DPI * figure.get_size_inches()[1]
    bar = figure.add_axes((0.3, (BAR - 2 * GAP) / down, 0.4, 2 * GAP / down))
    figure.colorbar(scale, cax=bar, orientation="horizontal").set_label("entropy (bits)", fontsize=8)
    bar.tick_params(labelsize=7)
    return figure


def reliability_figure(bins: Mapping[str, Tensor]) -> Figure:
    """Share of correct pixels against mean confidence, one line per name: float64 [B, 3] of counts and sums.

    The diagonal is perfect calibration (Guo, Pleiss, Sun, Weinberger 2017); a dot's area follows the bin's pixels.
    """
    figure = _beside_its_legend(bins)
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    for number, (name, rows) in enumerate(bins.items()):
        count, confidence, correct = rows[rows[:, 0] > 0].unbind(1)
        colour, marker = f"C{number % 10}", MARKERS[number % len(MARKERS)]
        axis.plot(confidence / count, correct / count, color=colour, linewidth=1)
        sizes = 8 + 90 * count / count.sum()
        axis.scatter(confidence / count, correct / count, s=sizes, color=colour, marker=marker, label=wrapped(name))
    axis.set(xlabel="confidence", ylabel="share of right pixels", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside right upper")
    return figure


def _beside_its_legend(names: Iterable[str]) -> Figure:
    """An empty figure with enough height for a legend of the names."""
    lines = 1 + sum(wrapped(name).count("\n") + 1 for name in names)
    return Figure(figsize=(7.5, max(5, 0.5 + 0.18 * lines)), dpi=120, layout="constrained")


def scatter_figure(points: Mapping[str, tuple[float, float]], truth: float) -> Figure:
    """Mean colourfulness against mean CIEDE2000, one point per name; a line at the true pictures' colourfulness."""
    figure = _beside_its_legend(points)
    axis = figure.subplots()
    axis.axvline(truth, color="0.6", linewidth=1, label="true pictures")
    for number, (name, (colourfulness, error)) in enumerate(points.items()):
        marker = MARKERS[number % len(MARKERS)]
        axis.scatter(colourfulness, error, color=f"C{number % 10}", marker=marker, label=wrapped(name))
    axis.set(xlabel="colourfulness", ylabel="error, ΔE00 (lower is better)", ylim=(0, None))
    axis.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside right upper")
    return figure


def decodings_figure(
    points: Mapping[str, Sequence[float]], grey: Sequence[float], titles: Sequence[str], truth: float, title: str
) -> Figure:
    """Errors against colourfulness for decodings: ``points`` are (colourfulness, one error per title).

    A line joins the decodings in order, and a ring marks the best one. A dot shows the untouched ``grey``, a vertical
    line the true pictures' colourfulness. The arrow at the end of a title shows which direction is better.
    """
    figure = Figure(figsize=(4.2 * len(titles), 3.8), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    values = np.array(list(points.values()))
    for number, (axis, name) in enumerate(zip(figure.subplots(1, len(titles)), titles, strict=True), start=1):
        axis.axvline(truth, color="0.6", linewidth=1, label="true pictures")
        axis.plot(values[:, 0], values[:, number], ".-", color="C0", linewidth=1, label="decodings")
        best = int((np.nanargmin if name.endswith("↓") else np.nanargmax)(values[:, number]))
        for place in _apart(values[:, [0, number]], [0, len(values) - 1, best]):
            x, side = (-6, "right") if place == len(values) - 1 else (6, "left")  # the mean has the dullest colours
            y = (
                -8 if side == "left" and name.endswith("↓") else 3
            )  # away from the line, which rises or falls to the right
            style = {"textcoords": "offset points", "ha": side, "fontsize": 7, "color": "0.3"}
            axis.annotate(list(points)[place], values[place, [0, number]], (x, y), **style)
        axis.scatter(values[best, 0], values[best, number], s=80, facecolor="none", edgecolor="C3", label="best")
        axis.scatter(grey[0], grey[number], color="0.5", marker="s", s=20, label="untouched grey")
        axis.set(xlabel="colourfulness", ylabel=name, xlim=(-1, 1.2 * max(truth, values[:, 0].max())))
        axis.grid(alpha=0.3)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _apart(points: np.ndarray, first: Sequence[int], distance: float = 0.1) -> list[int]:
    """Indices of points [P, 2] whose labels do not overlap; points in ``first`` have priority."""
    spread = np.ptp(points, axis=0)
    unit = points / np.where(spread > 0, spread, 1)
    chosen: list[int] = []
    for number in [*first, *range(len(points))]:
        if all(np.abs(unit[number] - unit[other]).max() > distance for other in chosen):
            chosen.append(number)
    return chosen


def save_curves(path: Path, rows: Sequence[Mapping[str, float]], title: str, training_loss: str = "") -> None:
    """Writes a chart of training and validation loss and accuracy per epoch, from the rows of ``metrics.csv``.

    ``training_loss`` names the training loss in the chart, if it differs from the validation loss.
    """
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    last = rows[-1]["epoch"] + 1  # number of finished epochs
    for axis, measure, unit in zip(figure.subplots(1, 2), ("loss", "accuracy"), ("nats/pixel", "%"), strict=True):
        scale = 100 if unit == "%" else 1
        for split, label, style in (("train", "training", "--"), ("val", "validation", "-")):
            points = [(row["epoch"] + 1, scale * row[key]) for row in rows if (key := f"{split}/{measure}") in row]
            marker = "o" if len(points) == 1 else "." if len(points) < MANY else None
            epochs, values = zip(*points, strict=True) if points else ((), ())
            axis.plot(epochs, values, style, marker=marker, label=label)
        if measure == "loss" and training_loss:
            axis.set_title(f"{training_loss}; validation: cross-entropy", fontsize=9)
        axis.set(xlabel="epoch", ylabel=f"{measure} ({unit})", xlim=(0.5, last + 0.5))
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axis.grid(alpha=0.3)
        axis.legend()
    save(figure, path)
