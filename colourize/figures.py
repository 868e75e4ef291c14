"""What a person looks at. N pictures, H height, W width."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.utils import make_grid

ROWS = "grey", "true", "predicted"


def picture_grid(*rows: Tensor, zoom: int = 3) -> Tensor:
    """Rows of pictures as one picture: each row [N, C, H, W] in [0, 1], C = 1 or 3 -> [3, rows * H', N * W']."""
    pictures = [picture for row in rows for picture in row.expand(-1, 3, -1, -1)]
    grid = make_grid(pictures, nrow=len(rows[0]), padding=1, pad_value=1.0)
    return grid.repeat_interleave(zoom, dim=1).repeat_interleave(zoom, dim=2)


def save_pictures(path: Path, rows: Mapping[str, Tensor], title: str) -> None:
    """Writes rows of pictures under their names: each [N, C, H, W] in [0, 1], C = 1 or 3."""
    num_pictures = len(next(iter(rows.values())))
    figure = Figure(figsize=(1.0 * num_pictures + 0.9, 1.0 * len(rows) + 0.45), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(rows), num_pictures, squeeze=False)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=9)
        for axis, picture in zip(line, pictures.expand(-1, 3, -1, -1), strict=True):
            axis.imshow(picture.permute(1, 2, 0).cpu().numpy(), interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
    figure.savefig(path)


def save_curves(path: Path, rows: Sequence[Mapping[str, float]], title: str) -> None:
    """Writes loss and accuracy against the epoch, training and validation, from the rows of ``metrics.csv``."""
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    epochs = [row["epoch"] + 1 for row in rows]  # passes done, as people count them
    for axis, measure, unit in zip(figure.subplots(1, 2), ("loss", "accuracy"), ("nats/pixel", "%"), strict=True):
        scale = 100 if unit == "%" else 1
        for split, label, style in (("train", "training", "--"), ("val", "validation", "-")):
            values = [scale * row.get(f"{split}/{measure}", np.nan) for row in rows]
            axis.plot(epochs, values, style, marker="." if len(rows) < 40 else None, label=label)
        axis.set(xlabel="epoch", ylabel=f"{measure} ({unit})")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path)
