"""Measures photographs one at a time: their own measures, and those of the floors.

K colours, H height, W width, S the network's stride, h = H / S, w = W / S.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.colour.decoding import annealed_mean
from colourize.colour.lab import rgb_to_lab
from colourize.colour.rgb import eight_bit
from colourize.errors import InputError
from colourize.evaluation import bleeding, metrics, quality
from colourize.evaluation.columns import NUM_BINS
from colourize.evaluation.photograph_floors import PLACE, SEPIA, TABLE, Floors
from colourize.evaluation.photograph_scores import Scored, scored
from colourize.evaluation.photographs import BLOCKS, GREY, MEAN, SATURATIONS, TEMPERATURES, Floor, Photographs
from colourize.model import Model

SAMPLED = 512  # labels of each photograph whose logits are kept, to fit a temperature


class Measures:
    """Collects the measures of photographs.

    Args:
        floors: fitted to the model's training pictures.
        temperatures: in falling order from 1.
    """

    def __init__(self, floors: Floors | None = None, temperatures: Sequence[float] = TEMPERATURES) -> None:
        self.floors, self.temperatures = floors, tuple(temperatures)
        self.columns: dict[str, list[Tensor]] = {}
        self.sampled: list[tuple[Tensor, Tensor]] = []

    def add(self, one: Scored) -> None:
        """Measures one more photograph."""
        for name, value in _columns(one, self.floors, self.temperatures).items():
            self.columns.setdefault(name, []).append(value.double().cpu())
        self.sampled.append(_sampled(one.logits, one.labels))

    def found(self, folder: Path, unreadable: list[tuple[str, str]]) -> Photographs:
        """The measures of all photographs of a folder.

        Raises:
            InputError: there are no photographs.
        """
        if not self.columns:
            raise InputError(f"{folder} holds no photograph that can be read; pass another folder")
        stacked = {name: torch.stack(values) for name, values in self.columns.items()}
        errors = {name: stacked.pop(f"errors of {name}") for name in (GREY, MEAN, BLOCKS)}
        floors = {name: Floor(*stacked.pop(name).unbind(1)) for name in (SEPIA, TABLE, PLACE) if name in stacked}
        return Photographs(
            self.temperatures, **stacked, errors=errors, floors=floors, sampled=self.sampled, unreadable=unreadable
        )


def measured(
    model: Model,
    folder: Path,
    size: int | None = None,
    cut: bool = False,
    floors: Floors | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
    seen: int | None = None,
) -> Photographs:
    """Measures a model on the photographs of a folder; arguments as in ``scored`` and ``Measures``.

    Raises:
        InputError: the folder does not exist, or no picture in it can be read.
    """
    measures, unreadable = Measures(floors, temperatures), list[tuple[str, str]]()
    for one in scored(model, folder, size, cut, unreadable, seen):
        measures.add(one)
    return measures.found(folder, unreadable)


def _columns(one: Scored, floors: Floors | None, temperatures: Sequence[float]) -> dict[str, Tensor]:
    """The measures of one photograph."""
    model, grey, labels, logits, true = one.model, one.grey, one.labels, one.logits, one.true
    values = [annealed_mean(logits, model.palette, temperature) for temperature in temperatures]
    values += [saturation * values[0] for saturation in SATURATIONS[1:]]
    blocks = F.avg_pool2d(one.points, model.stride)
    shown = [model.space.neutral(grey).expand(-1, 3, -1, -1)]
    pictures = eight_bit(torch.cat(shown + [model.space.keep(grey, each).colours for each in [*values, blocks]]))
    pictures = pictures.float() / 255
    psnr, colourfulness = quality.psnr(pictures, true.expand_as(pictures)), quality.colourfulness(pictures)
    by_temperature = slice(1, 1 + len(temperatures))
    saturated = [1, *range(1 + len(temperatures), len(psnr) - 1)]  # T = 1 has the saturation 1
    bins = metrics.calibration_bins(logits, labels, NUM_BINS)[0]
    return {
        "psnr": psnr[by_temperature],
        "colourfulness": colourfulness[by_temperature],
        "saturated_psnr": psnr[saturated],
        "saturated_colourfulness": colourfulness[saturated],
        "grey": psnr[0],
        "truth": quality.colourfulness(true)[0],
        "loss": metrics.cross_entropy(logits, labels)[0],
        "bins": bins / labels.numel(),
        **_errors(pictures[[0, 1, -1]], true),
        **({} if floors is None else _floors(model, grey, labels, true, floors)),
    }


def _errors(pictures: Tensor, true: Tensor) -> dict[str, Tensor]:
    """Errors of the chroma of grey, mean and blocks, [3, 3, H, W], against the truth, [1, 3, H, W]; [2] each."""
    light, *truth = rgb_to_lab(true)[0].numpy()
    edges = bleeding.steep(light)
    found = [bleeding.errors(lab[1:].numpy(), np.stack(truth), edges) for lab in rgb_to_lab(pictures)]
    return {f"errors of {name}": torch.tensor(each) for name, each in zip((GREY, MEAN, BLOCKS), found, strict=True)}


def _floors(model: Model, grey: Tensor, labels: Tensor, true: Tensor, floors: Floors) -> dict[str, Tensor]:
    """PSNR, colourfulness and cross-entropy of each floor, [3]."""
    coarse = F.avg_pool2d(grey, model.stride)
    values = {SEPIA: floors.sepia.to(grey).view(1, -1, 1, 1).expand(-1, -1, *coarse.shape[2:])}
    losses = {SEPIA: torch.tensor(torch.nan)}
    for name, table in ((TABLE, floors.table), (PLACE, floors.place)):
        logits = table(coarse)
        values[name] = annealed_mean(logits, model.palette, 1.0)
        losses[name] = metrics.cross_entropy(logits, labels)[0]
    found = {}
    for name, each in values.items():
        picture = eight_bit(model.space.keep(grey, each).colours).float() / 255
        of_picture = quality.psnr(picture, true)[0], quality.colourfulness(picture)[0]
        found[name] = torch.stack([value.double() for value in (*of_picture, losses[name])])
    return found


def _sampled(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [M, K] and labels [M] of at most ``SAMPLED`` blocks, evenly spread over a photograph."""
    chosen = torch.linspace(0, labels.numel() - 1, min(SAMPLED, labels.numel())).round().long()
    return logits[0].flatten(1).T[chosen], labels.flatten()[chosen]
