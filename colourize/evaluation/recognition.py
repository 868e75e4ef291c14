"""A classifier's accuracy on re-coloured photographs (Zhang, Isola, Efros 2016, arXiv 1603.08511, section 3.3).

A classifier that was trained on colour pictures names the objects of photographs in their true colours, in grey, and
re-coloured. The better colours fit, the more of what grey loses comes back. N photographs.
"""

import csv
import io
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
import torch.nn.functional as F
from torch import Tensor

from colourize import files
from colourize.errors import InputError
from colourize.models.encoder_unet import normalisation
from colourize.models.encoder_weights import trained

CLASSIFIER = "tf_efficientnet_lite1"  # another than the encoder, which would recognise its own features
FILE, CLASS = "file", "imagenet_class"


class Recognised(NamedTuple):
    """Which photographs were named rightly, bool [N] each: in colour, in grey, and re-coloured."""

    colour: Tensor
    grey: Tensor
    coloured: Tensor

    @property
    def given_back(self) -> float:
        """The share of what grey loses that the re-coloured photographs win back; NaN where grey loses nothing."""
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
        raise InputError(f"--classes {path} must hold files with classes in [0, 999]")
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
    def __call__(self, pictures: Tensor) -> Tensor:
        """Classes: float [N, 3, H, W] in [0, 1] -> int64 [N]."""
        classes: Tensor = self.network.get_classifier()(self.features(pictures)).argmax(1)
        return classes
