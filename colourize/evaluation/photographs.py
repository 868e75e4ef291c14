"""Measures on photographs of any size, one by one, without a square cut.

Two figures sum up a network, both from one curve over the temperature T of the annealed mean: how many dB its mean
(T = 1) lies above the untouched grey, and how colourful its pictures are, as a share of the truth, where their PSNR has
fallen to the grey's. N photographs, K colours, C channels of the palette, H height, W width, S the network's stride.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from colourize.colour.decoding import annealed_mean
from colourize.colour.rgb import eight_bit
from colourize.data.blocks import labelled_blocks
from colourize.data.kinds import scan
from colourize.data.read import UnreadablePicture, read_rgb, square
from colourize.errors import InputError
from colourize.evaluation import metrics, quality
from colourize.evaluation.recognition import Recognised
from colourize.model import Model

Names = Callable[[Tensor], Tensor]
TEMPERATURES = 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1


class Photographs(NamedTuple):
    """Measures of N photographs by T temperatures; PSNR in dB, cross-entropies in nats per label.

    Attributes:
        temperatures: T of them, falling from 1.
        psnr, colourfulness: float64 [N, T].
        grey: PSNR of the untouched grey, [N].
        truth: colourfulness of the photographs, [N].
        loss: cross-entropy of the network, [N].
        table: that of the look-up table on the same labels, [N]; NaN without a table.
        unreadable: files that were left out, with the reason.
    """

    temperatures: tuple[float, ...]
    psnr: Tensor
    colourfulness: Tensor
    grey: Tensor
    truth: Tensor
    loss: Tensor
    table: Tensor
    unreadable: list[tuple[str, str]]

    @property
    def gain(self) -> float:
        """Mean PSNR at T = 1 above the untouched grey's, dB."""
        return float((self.psnr[:, 0] - self.grey).mean())

    @property
    def ratio(self) -> float:
        """Colourfulness, as a share of the truth's, where the mean PSNR equals the grey's."""
        return crossing((self.psnr - self.grey[:, None]).mean(0), self.colourfulness.mean(0) / self.truth.mean())

    @property
    def skill(self) -> float:
        """1 - mean cross-entropy / that of the table; NaN without a table."""
        return float(1 - self.loss.mean() / self.table.mean())


def crossing(gains: Tensor, ratios: Tensor) -> float:
    """The ratio at which a falling gain is 0: two [T] -> a number; linear between the points.

    0 where even the first gain is negative, since the grey itself is better; the last ratio where all are positive.
    """
    below = (gains < 0).nonzero()
    if not len(below):
        return float(ratios[-1])
    first = int(below[0])
    if not first:
        return 0.0
    share = gains[first - 1] / (gains[first - 1] - gains[first])
    return float(ratios[first - 1] + share * (ratios[first] - ratios[first - 1]))


def measured(
    model: Model,
    folder: Path,
    size: int | None = None,
    cut: bool = False,
    table: nn.Module | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
) -> Photographs:
    """Measures a model on the photographs of a folder.

    Args:
        model: in evaluation mode; the palette must be chroma, so that pictures keep their lightness.
        folder: of picture files, at any depth.
        size: the shorter side in pixels to which photographs are scaled; None: each stays as large as it is.
        cut: whether the centre square is cut out, as for training.
        table: scores [1, K, h, w] of the mean grey of blocks [1, 1, h, w].
        temperatures: in falling order.

    Raises:
        InputError: no such folder, or no picture in it that can be read.
    """
    columns: dict[str, list[Tensor]] = {}
    unreadable: list[tuple[str, str]] = []
    for _, image in _images(folder, size, cut, model.stride, unreadable):
        for name, value in _columns(model, image, table, temperatures).items():
            columns.setdefault(name, []).append(value.double().cpu())
    if not columns:
        raise InputError(f"{folder} holds no photograph that can be read; pass another folder")
    stacked = {name: torch.stack(values) for name, values in columns.items()}
    return Photographs(tuple(temperatures), **stacked, unreadable=unreadable)


def recognised(
    model: Model,
    folder: Path,
    classes: Mapping[str, int],
    names: Names,
    decoding: str = "annealed:0.4",
    size: int | None = None,
    cut: bool = False,
) -> Recognised:
    """Which photographs a classifier names rightly: in colour, in grey, and re-coloured.

    Args:
        model: as of ``measured``.
        folder: of photographs; those without a class are left out.
        classes: by the file's name.
        names: the classifier, as of ``recognition.classifier``.
        decoding: by which the photographs are re-coloured.
        size, cut: as of ``measured``.

    Raises:
        InputError: no photograph has a class.
    """
    right = []
    for path, image in _images(folder, size, cut, model.stride, []):
        if (wanted := classes.get(Path(path).name)) is None:
            continue
        grey = model.space.both(image)[0]
        shown = model.space.neutral(grey).expand(-1, 3, -1, -1), model.predict(grey, decoding)
        true = image.movedim(-1, 1).float() / 255
        right.append(names(torch.cat([true, *(eight_bit(each).float() / 255 for each in shown)])) == wanted)
    if not right:
        raise InputError(f"no photograph of {folder} has a class; pass the --classes of these photographs")
    return Recognised(*torch.stack(right).T)


def _images(
    folder: Path, size: int | None, cut: bool, stride: int, unreadable: list[tuple[str, str]]
) -> Iterator[tuple[str, Tensor]]:
    """Paths and photographs, uint8 [1, H, W, 3]; up to S - 1 last rows and columns go, so that S divides H and W."""
    paths, _ = scan(folder, called="")
    for path in paths:
        try:
            image = read_rgb(folder / path, at_least=size)
        except UnreadablePicture as error:
            unreadable.append((path, str(error)))
            continue
        pixels = np.asarray(scaled(image, size, cut))
        height, width = (max(stride, side - side % stride) for side in pixels.shape[:2])
        short = [(0, max(0, wanted - side)) for wanted, side in zip((height, width), pixels.shape[:2], strict=True)]
        yield path, torch.from_numpy(np.pad(pixels, [*short, (0, 0)], mode="edge")[None, :height, :width])


def scaled(image: Image.Image, size: int | None, cut: bool) -> Image.Image:
    """A picture with its shorter side scaled to ``size``, the centre square of it with ``cut``."""
    if cut:
        return square(image, size or min(image.size))
    if size is None:
        return image
    factor = size / min(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _columns(model: Model, image: Tensor, table: nn.Module | None, temperatures: Sequence[float]) -> dict[str, Tensor]:
    """The measures of one photograph, uint8 [1, H, W, 3]."""
    grey, labels = labelled_blocks(image, model.palette, model.space, model.stride)
    true = image.movedim(-1, 1).float() / 255
    with torch.no_grad():
        logits = model(grey).float()
    shown = [model.space.neutral(grey).expand(-1, 3, -1, -1)] + [
        model.space.keep(grey, annealed_mean(logits, model.palette, temperature)).colours
        for temperature in temperatures
    ]
    pictures = eight_bit(torch.cat(shown)).float() / 255
    psnr = quality.psnr(pictures, true.expand_as(pictures))
    coarse = F.avg_pool2d(grey, model.stride)
    return {
        "psnr": psnr[1:],
        "colourfulness": quality.colourfulness(pictures)[1:],
        "grey": psnr[0],
        "truth": quality.colourfulness(true)[0],
        "loss": metrics.cross_entropy(logits, labels)[0],
        "table": torch.tensor(torch.nan) if table is None else metrics.cross_entropy(table(coarse), labels)[0],
    }
