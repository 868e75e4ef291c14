"""Rows of example pictures by a model. N pictures, H height, W width."""

from collections.abc import Mapping

import torch
from torch import Tensor

from colourize.colour.decoding import colours_of_classes
from colourize.model import Model


def examples(model: Model, grey: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The grey, the true classes and the most probable classes as pictures: [N, 1, H, W], [N, H, W] -> rows."""
    grey, labels = grey.to(model.palette.device), labels.to(model.palette.device)
    with torch.no_grad():
        predicted = model(grey).argmax(dim=1)
    return of_classes(model, grey, {"true class": labels, "predicted": predicted})


def of_classes(model: Model, grey: Tensor, classes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rows in [0, 1]: the grey, [N, 1, H, W], and colours [N, 3, H, W] for each map of classes, int64 [N, H, W]."""
    rows = {name: colours_of_classes(each, grey, model.palette, model.space) for name, each in classes.items()}
    return {"grey": model.space.neutral(grey), **rows}
