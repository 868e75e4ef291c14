"""Photographs of a folder with the scores that a network gives them; it runs once for each.

K colours, C channels of the palette, D decodings, H height, W width, S the network's stride, h = H / S, w = W / S.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from colourize.colour import palette as palettes
from colourize.colour.decoding import parsed
from colourize.colour.rgb import eight_bit
from colourize.colour.spaces import WHITE
from colourize.evaluation.photograph_files import photographs
from colourize.model import Model


@dataclass(frozen=True)
class Scored:
    """A photograph, and a network's scores for its grey.

    Attributes:
        path: below the folder.
        model: the network with its palette and colour space.
        image: uint8 [1, H, W, 3].
        grey: the network's input, [1, 1, H, W].
        points: values of the pixels in the colour space, [1, C, H, W].
        labels: of the blocks, [1, h, w].
        logits: [1, K, h, w].
    """

    path: str
    model: Model
    image: Tensor
    grey: Tensor
    points: Tensor
    labels: Tensor
    logits: Tensor

    @property
    def true(self) -> Tensor:
        """The photograph, [1, 3, H, W] in [0, 1]."""
        return self.image.movedim(-1, 1).float() / 255

    def shown(self, decodings: Sequence[str]) -> Tensor:
        """The photograph in colour, in grey, and re-coloured by each decoding: [2 + D, 3, H, W] in [0, 1]."""
        model, grey = self.model, self.grey
        shown = [model.space.neutral(grey).expand(-1, 3, -1, -1)]
        shown += [parsed(each)(self.logits, grey, model.palette, model.space).colours for each in decodings]
        return torch.cat([self.true, *(eight_bit(each).float() / 255 for each in shown)])


def scored(
    model: Model,
    folder: Path,
    size: int | None,
    cut: bool,
    unreadable: list[tuple[str, str]],
    seen: int | None = None,
) -> Iterator[Scored]:
    """The photographs of a folder, one by one.

    Args:
        model: in evaluation mode; the palette must be chroma, so that pictures keep their lightness.
        folder: of picture files, at any depth.
        size: the shorter side in pixels to which photographs are scaled; None: not scaled.
        cut: whether the centre square is cut out, as for training.
        unreadable: gets the files that are left out, with the reason.
        seen: the shorter side of the network's input in pixels, as in ``scores``.
    """
    for path, image in photographs(folder, size, cut, model.stride, unreadable):
        grey, points = model.space.both(image)
        labels = palettes.labels_of_blocks(points, model.palette, model.stride)
        with torch.no_grad():
            logits = scores(model, grey, seen)
        yield Scored(path, model, image, grey, points, labels, logits)


def scores(model: Model, grey: Tensor, seen: int | None = None) -> Tensor:
    """Logits of the blocks of a picture, whose sides S divides: [1, 1, H, W] -> [1, K, H / S, W / S].

    Args:
        model: in evaluation mode.
        grey: its input.
        seen: the shorter side in pixels to which the network's input is scaled (bicubic, antialiased); the logits are
            scaled back (bilinear). None: not scaled.
    """
    if seen is None:
        return model(grey).float()
    stride, shorter = model.stride, min(grey.shape[-2:])
    sides = [stride * max(1, round(side * seen / shorter / stride)) for side in grey.shape[-2:]]
    small = F.interpolate(grey, sides, mode="bicubic", antialias=True).clamp(0, WHITE)
    blocks = [side // stride for side in grey.shape[-2:]]
    return F.interpolate(model(small).float(), blocks, mode="bilinear")
