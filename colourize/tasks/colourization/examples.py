"""Example pictures: grey, true, predicted. N pictures, H height, W width."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from colourize.colour.decoding import colours_of_classes
from colourize.data.pictures import example_index
from colourize.model import Model
from colourize.present.figures import picture_grid
from colourize.training.tensorboard import step, tensorboard

PICTURES = "val/grey, true, predicted"


class ExamplePictures(Callback):
    """Shows the same ten validation pictures each epoch, spread evenly over the split: grey, true class, predicted."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if logger := tensorboard(trainer):
            precision = trainer.precision_plugin
            validation = trainer.datamodule.validation  # type: ignore[attr-defined]
            with precision.forward_context():
                grey, labels = validation[example_index(len(validation))]
                shown = examples(pl_module.model, precision.convert_input(grey), labels)
            logger.experiment.add_image(PICTURES, picture_grid(*shown.values()), step(trainer))


def examples(model: Model, grey: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Rows of pictures: grey [N, 1, H, W]; colours of the true and of the most probable classes, [N, 3, H, W]."""
    grey, labels = grey.to(model.palette.device), labels.to(model.palette.device)
    with torch.no_grad():
        predicted = model(grey).argmax(dim=1)
    true, shown = (colours_of_classes(each, grey, model.palette, model.space) for each in (labels, predicted))
    return {"grey": model.space.neutral(grey), "true class": true, "predicted": shown}
