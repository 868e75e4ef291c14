"""A classifier's accuracy on re-coloured photographs (Zhang, Isola, Efros 2016, arXiv 1603.08511, section 3.3).

A classifier that was trained on colour pictures names the objects of photographs in their true colours, in grey, and
re-coloured. Better colours recover more of the accuracy that grey loses. N photographs.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from colourize import files
from colourize.colour.usual import DECODING
from colourize.errors import InputError
from colourize.evaluation import frechet
from colourize.evaluation.photograph_scores import Scored
from colourize.models.encoder_unet import normalisation
from colourize.models.encoder_weights import trained
from colourize.private.timm import timm

CLASSIFIER = "tf_efficientnet_lite1"  # another than the encoder, which would recognise its own features
FILE, CLASS = "file", "imagenet_class"
DECODINGS = "mean", DECODING


class Recognised(NamedTuple):
    """Whether each photograph was named correctly, bool [N] each: in colour, in grey, and re-coloured."""

    colour: Tensor
    grey: Tensor
    coloured: Tensor

    @property
    def given_back(self) -> float:
        """The share of the accuracy lost in grey that re-colouring recovers; NaN if grey loses none."""
        colour, grey, coloured = (float(each.double().mean()) for each in self)
        return (coloured - grey) / (colour - grey) if colour > grey else float("nan")


def classes_of(path: Path) -> dict[str, int]:
    """The ImageNet class, 0 to 999, of each file's name, from a CSV file with the columns file and imagenet_class.

    Raises:
        InputError: no such file, or other columns or values.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(files.read_bytes(path).decode())))
        found = {Path(row[FILE]).name: int(row[CLASS]) for row in rows}
    except FileNotFoundError as error:
        raise InputError(f"--classes {path}: no such file{files.looked_at(path)}") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"--classes {path} must be a CSV file with the columns {FILE} and {CLASS} (0 to 999)"
        ) from error
    if not found or not all(0 <= number < 1000 for number in found.values()):
        raise InputError(f"--classes {path} must contain files with classes in [0, 999]")
    return found


class Classifier:
    """A network that classifies pictures, and returns the features that it uses.

    The shorter side is scaled and the centre cut out, as the network's own evaluation does.

    Args:
        name: a classifier of timm.
        weights: as in ``encoder_weights.load_weights``.

    Raises:
        InputError: its weights are not available.
    """

    def __init__(self, name: str = CLASSIFIER, weights: str = "timm") -> None:
        self.network: Any = trained(name, weights, features=False).eval()
        config: Any = timm.models.get_pretrained_cfg(name)
        self.side, self.share = config.input_size[-1], config.crop_pct
        self.mean, self.deviation = (torch.tensor(each).view(3, 1, 1) for each in normalisation(name))

    @torch.no_grad()
    def features(self, pictures: Tensor) -> Tensor:
        """Means over the picture of the last features: float [N, 3, H, W] in [0, 1] -> [N, D]."""
        side, factor = self.side, int(self.side / self.share) / min(pictures.shape[-2:])
        size = [max(side, round(length * factor)) for length in pictures.shape[-2:]]
        scaled = F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = ((length - side) // 2 for length in size)
        centre = (scaled[..., top : top + side, left : left + side] - self.mean) / self.deviation
        pooled: Tensor = self.network.forward_head(self.network.forward_features(centre), pre_logits=True)
        return pooled

    @torch.no_grad()
    def classes(self, features: Tensor) -> Tensor:
        """Classes of the features of pictures: [N, D] -> int64 [N]."""
        classes: Tensor = self.network.get_classifier()(features).argmax(1)
        return classes


class Looks:
    """Shows a classifier photographs in colour, in grey and re-coloured.

    Args:
        classifier: such as ``Classifier``.
        classes: the right class by the file's name; None: recognition is not measured.
        distances: whether Fréchet distances are measured, for which it sees every photograph.
        decodings: by which photographs are re-coloured; the last one is recognised.
    """

    def __init__(
        self,
        classifier: "Classifier",
        classes: Mapping[str, int] | None,
        distances: bool = False,
        decodings: Sequence[str] = DECODINGS,
    ) -> None:
        self.classifier, self.wanted, self.measured = classifier, classes, distances
        self.decodings = decodings if distances else decodings[-1:]
        self.features: list[Tensor] = []
        self.right: list[Tensor] = []

    def add(self, one: Scored) -> None:
        """Shows one more photograph, if its class is known or distances are measured."""
        wanted = None if self.wanted is None else self.wanted.get(Path(one.path).name)
        if wanted is None and not self.measured:
            return
        features = self.classifier.features(one.shown(self.decodings))
        if self.measured:
            self.features.append(features.cpu())
        if wanted is not None:
            self.right.append(self.classifier.classes(features[[0, 1, -1]]) == wanted)

    def distances(self) -> dict[str, float]:
        """Fréchet distances of grey and re-coloured photographs to the photographs; empty for fewer than two."""
        if len(self.features) < 2:
            return {}
        true, *others = torch.stack(self.features).unbind(1)
        return {
            name: frechet.distance(true, each) for name, each in zip(("grey", *self.decodings), others, strict=True)
        }

    def recognised(self, folder: Path) -> Recognised | None:
        """Whether each photograph of the folder was named correctly; None if recognition is not measured.

        Raises:
            InputError: no photograph has a class.
        """
        if self.wanted is None:
            return None
        if not self.right:
            raise InputError(f"no photograph of {folder} has a class; pass the --classes of these photographs")
        return Recognised(*torch.stack(self.right).T)
