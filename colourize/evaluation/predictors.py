"""Predictors: functions from grey to colours, with or without a network. N images, H height, W width, K colours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from colourize.colour.decoding import Decoding, most_probable
from colourize.colour.palette import dequantize
from colourize.colour.spaces import Decoded, Space
from colourize.models.lookup import grey_level


class Prediction(NamedTuple):
    """The result of a predictor for a batch; fields that it does not have are None.

    Attributes:
        colours: [N, 3, H, W] in [0, 1].
        logits: [N, K, H, W].
        labels: classes of a predictor without logits, int64 [N, H, W].
        outside: pixels outside the gamut, bool [N, H, W].
    """

    colours: Tensor
    logits: Tensor | None = None
    labels: Tensor | None = None
    outside: Tensor | None = None


Predict = Callable[[Tensor, Tensor, Tensor | None], Prediction]
"""A function of a batch's grey [N, 1, H, W], true labels [N, H, W] and, if known, objects [N, H, W]."""


@dataclass(frozen=True)
class Predictor:
    """A row of the table."""

    name: str
    kind: str
    predict: Predict
    palette: int = 0  # number of its palette, because cross-entropies of different palettes are not comparable
    kept: str = ""  # name in the cache, for floors and ceilings, which do not depend on the network


def reference(name: str, kind: str, predict: Predict) -> Predictor:
    """A floor or a ceiling; its columns are cached under its name."""
    return Predictor(name, kind, predict, kept=name)


def most_probable_by(network: nn.Module, palette: Tensor, space: Space) -> Predict:
    """The most probable colours by a network with logits [N, K, H, W]."""

    def predict(grey: Tensor, *_: Tensor | None) -> Prediction:
        with torch.no_grad():
            logits = network(grey).float()
        return _by_logits(logits, grey, palette, space)

    return predict


def decoded_by(network: nn.Module, decoding: Decoding, palette: Tensor, space: Space) -> Predict:
    """A network's colours by a decoding; without logits, because its classes do not change."""

    def predict(grey: Tensor, *_: Tensor | None) -> Prediction:
        with torch.no_grad():
            return _prediction(decoding(network(grey).float(), grey, palette, space))

    return predict


def grey_itself(space: Space) -> Predict:
    """The grey input as a picture."""
    return lambda grey, *_: Prediction(space.neutral(grey).expand(-1, 3, -1, -1))


def nearest_grey(palette: Tensor, space: Space, coarse: nn.Module) -> Predict:
    """The colour of the palette with the nearest grey level; ``coarse`` reduces the grey to the size of the labels."""

    def predict(grey: Tensor, *_: Tensor | None) -> Prediction:
        labels = space.greyest(coarse(grey), palette)
        return _prediction(space.decode(grey, dequantize(labels, palette)), labels=labels)

    return predict


def by_objects(table: Callable[[], Tensor | None], palette: Tensor, space: Space) -> Predict:
    """The most probable colours given each pixel's object and grey level.

    Args:
        table: returns log P(colour | object, grey level), [objects, levels, K]; called at the first prediction.
        palette: [K, C].
        space: of the palette.
    """

    def predict(grey: Tensor, labels: Tensor, objects: Tensor | None) -> Prediction:
        known = table()
        assert objects is not None and known is not None
        logits = known[objects.long(), grey_level(grey)].permute(0, 3, 1, 2)
        return _by_logits(logits, grey, palette, space)

    return predict


def true_class(palette: Tensor, space: Space, keep_grey: bool = False) -> Predict:
    """The colour of the true class, with probability 1; ``keep_grey``: shifted to the grey level of the input."""
    decode = space.keep if keep_grey else space.decode

    def predict(grey: Tensor, labels: Tensor, *_: Tensor | None) -> Prediction:
        certain = nn.functional.one_hot(labels.long(), len(palette)).permute(0, 3, 1, 2)
        return _prediction(decode(grey, dequantize(labels, palette)), certain.float().log())

    return predict


def _by_logits(logits: Tensor, grey: Tensor, palette: Tensor, space: Space) -> Prediction:
    return _prediction(space.decode(grey, most_probable(logits, palette)), logits)


def _prediction(decoded: Decoded, logits: Tensor | None = None, labels: Tensor | None = None) -> Prediction:
    return Prediction(decoded.colours, logits, labels, decoded.outside)
