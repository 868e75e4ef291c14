"""Measures on photographs of any size, without a square crop.

Two figures summarize a network: the PSNR of the mean of its classes above that of the untouched grey, in dB; and the
colourfulness of its pictures, as a share of the truth, where their PSNR has fallen to the grey's. There are two ways
there: a falling temperature T of the annealed mean, or a growing saturation, which multiplies the chroma of the mean.
N photographs, K colours, C channels of the palette, H height, W width, S the network's stride.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.colour import palette as palettes
from colourize.colour.decoding import annealed_mean
from colourize.colour.lab import rgb_to_lab
from colourize.colour.rgb import eight_bit
from colourize.errors import InputError
from colourize.evaluation import bleeding, metrics, quality
from colourize.evaluation.columns import NUM_BINS
from colourize.evaluation.photograph_files import photographs
from colourize.evaluation.photograph_floors import PLACE, SEPIA, TABLE, Floors
from colourize.evaluation.recognition import Recognised
from colourize.model import Model

Names = Callable[[Tensor], Tensor]
TEMPERATURES = 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1
SATURATIONS = 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0
GREY, MEAN, BLOCKS = "grey", "mean", "blocks"
SAMPLED = 512  # labels of each photograph whose logits are kept, to fit a temperature


class Floor(NamedTuple):
    """A predictor without a network: PSNR in dB and colourfulness of its mean colours, cross-entropy in nats; [N] each.

    The cross-entropy is NaN for a predictor without probabilities.
    """

    psnr: Tensor
    colourfulness: Tensor
    loss: Tensor


class Photographs(NamedTuple):
    """Measures of N photographs by T temperatures and M saturations; PSNR in dB, cross-entropies in nats per label.

    Attributes:
        temperatures: T of them, falling from 1.
        psnr, colourfulness: by temperature, float64 [N, T].
        saturated_psnr, saturated_colourfulness: by ``SATURATIONS`` of the mean of the classes, float64 [N, M].
        grey: PSNR of the untouched grey, [N].
        truth: colourfulness of the photographs, [N].
        loss: cross-entropy of the network, [N].
        bins: shares of a photograph's labels in each bin of confidence, [N, B, 3] (``metrics.calibration_bins``).
        errors: mean error in CIELAB's (a, b) over all pixels and over edges (``bleeding``), [N, 2] each: of the grey,
            of the mean colours, and of the true mean colours of the network's blocks.
        floors: by name; none without floors.
        sampled: logits [M, K] and labels [M] of some blocks of each photograph.
        unreadable: files that were left out, with the reason.
    """

    temperatures: tuple[float, ...]
    psnr: Tensor
    colourfulness: Tensor
    saturated_psnr: Tensor
    saturated_colourfulness: Tensor
    grey: Tensor
    truth: Tensor
    loss: Tensor
    bins: Tensor
    errors: dict[str, Tensor]
    floors: dict[str, Floor]
    sampled: list[tuple[Tensor, Tensor]]
    unreadable: list[tuple[str, str]]

    @property
    def gain(self) -> float:
        """Mean PSNR at T = 1 above the untouched grey's, dB."""
        return float((self.psnr[:, 0] - self.grey).mean())

    @property
    def ratio(self) -> float:
        """Colourfulness, as a share of the truth's, at the temperature where the mean PSNR equals the grey's."""
        return self._crossing(self.psnr, self.colourfulness)

    @property
    def saturated_ratio(self) -> float:
        """Colourfulness, as a share of the truth's, at the saturation where the mean PSNR equals the grey's."""
        return self._crossing(self.saturated_psnr, self.saturated_colourfulness)

    def _crossing(self, psnr: Tensor, colourfulness: Tensor) -> float:
        return crossing((psnr - self.grey[:, None]).mean(0), colourfulness.mean(0) / self.truth.mean())

    def skill(self, floor: str = TABLE) -> float:
        """1 - mean cross-entropy / that of a floor; NaN without it."""
        return float(1 - self.loss.mean() / self.floors[floor].loss.mean()) if floor in self.floors else math.nan


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
    floors: Floors | None = None,
    temperatures: Sequence[float] = TEMPERATURES,
) -> Photographs:
    """Measures a model on the photographs of a folder.

    Args:
        model: in evaluation mode; the palette must be chroma, so that pictures keep their lightness.
        folder: of picture files, at any depth.
        size: the shorter side in pixels to which photographs are scaled; None: not scaled.
        cut: whether the centre square is cut out, as for training.
        floors: fitted to the model's training pictures.
        temperatures: in falling order from 1.

    Raises:
        InputError: the folder does not exist, or no picture in it can be read.
    """
    columns: dict[str, list[Tensor]] = {}
    sampled: list[tuple[Tensor, Tensor]] = []
    unreadable: list[tuple[str, str]] = []
    for _, image in photographs(folder, size, cut, model.stride, unreadable):
        found, logits, labels = _columns(model, image, floors, temperatures)
        for name, value in found.items():
            columns.setdefault(name, []).append(value.double().cpu())
        sampled.append(_sampled(logits, labels))
    if not columns:
        raise InputError(f"{folder} holds no photograph that can be read; pass another folder")
    stacked = {name: torch.stack(values) for name, values in columns.items()}
    errors = {name: stacked.pop(f"errors of {name}") for name in (GREY, MEAN, BLOCKS)}
    of_floors = {name: Floor(*stacked.pop(name).unbind(1)) for name in (SEPIA, TABLE, PLACE) if name in stacked}
    return Photographs(
        tuple(temperatures), **stacked, errors=errors, floors=of_floors, sampled=sampled, unreadable=unreadable
    )


def coloured(
    model: Model,
    folder: Path,
    of: Callable[[Tensor], Tensor],
    decodings: Sequence[str],
    size: int | None = None,
    cut: bool = False,
) -> Tensor:
    """What a function gives for each photograph in colour, in grey, and re-coloured by each decoding: [N, 2 + D, ...].

    Args:
        model: as in ``measured``.
        folder: of photographs.
        of: pictures [2 + D, 3, H, W] in [0, 1] -> [2 + D, ...].
        decodings: D of them.
        size, cut: as in ``measured``.
    """
    found = [of(_shown(model, image, decodings)).cpu() for _, image in photographs(folder, size, cut, model.stride, [])]
    if not found:
        raise InputError(f"{folder} holds no photograph that can be read; pass another folder")
    return torch.stack(found)


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
        model: as in ``measured``.
        folder: of photographs; those without a class are left out.
        classes: by the file's name.
        names: the classifier, as in ``recognition.classifier``.
        decoding: by which the photographs are re-coloured.
        size, cut: as in ``measured``.

    Raises:
        InputError: no photograph has a class.
    """
    right = []
    for path, image in photographs(folder, size, cut, model.stride, []):
        if (wanted := classes.get(Path(path).name)) is None:
            continue
        right.append(names(_shown(model, image, [decoding])) == wanted)
    if not right:
        raise InputError(f"no photograph of {folder} has a class; pass the --classes of these photographs")
    return Recognised(*torch.stack(right).T)


def _shown(model: Model, image: Tensor, decodings: Sequence[str]) -> Tensor:
    """A photograph, uint8 [1, H, W, 3], in colour, in grey, and re-coloured: [2 + D, 3, H, W] in [0, 1]."""
    grey = model.space.both(image)[0]
    shown = [model.space.neutral(grey).expand(-1, 3, -1, -1), *(model.predict(grey, each) for each in decodings)]
    return torch.cat([image.movedim(-1, 1).float() / 255, *(eight_bit(each).float() / 255 for each in shown)])


def _columns(
    model: Model, image: Tensor, floors: Floors | None, temperatures: Sequence[float]
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The measures of one photograph, uint8 [1, H, W, 3]; its logits [1, K, h, w] and labels [1, h, w]."""
    grey, points = model.space.both(image)
    labels = palettes.labels_of_blocks(points, model.palette, model.stride)
    true = image.movedim(-1, 1).float() / 255
    with torch.no_grad():
        logits = model(grey).float()
    values = [annealed_mean(logits, model.palette, temperature) for temperature in temperatures]
    mean = annealed_mean(logits, model.palette, 1.0)
    values += [saturation * mean for saturation in SATURATIONS]
    blocks = F.avg_pool2d(points, model.stride)
    shown = [model.space.neutral(grey).expand(-1, 3, -1, -1)]
    pictures = eight_bit(torch.cat(shown + [model.space.keep(grey, each).colours for each in [*values, blocks]]))
    pictures = pictures.float() / 255
    psnr, colourfulness = quality.psnr(pictures, true.expand_as(pictures)), quality.colourfulness(pictures)
    by_temperature, saturated = slice(1, 1 + len(temperatures)), slice(1 + len(temperatures), -1)
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
        **_errors(pictures[[0, 1 + len(temperatures), -1]], true),
        **({} if floors is None else _floors(model, grey, labels, true, floors)),
    }, logits, labels  # fmt: skip


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
