"""Example pictures for the loggers: grey, true, predicted."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from colourize.data.pictures import example_index
from colourize.evaluation.examples import examples
from colourize.present.figures import picture_grid
from colourize.training.loggers import curves

PICTURES = "val/grey, true, predicted"


class ExamplePictures(Callback):
    """Shows the same ten evenly spaced validation pictures in each epoch: grey, true class, predicted class."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.loggers:
            precision = trainer.precision_plugin
            validation = trainer.datamodule.validation  # type: ignore[attr-defined]
            with precision.forward_context():
                grey, labels = validation[example_index(len(validation))]
                shown = examples(pl_module.model, precision.convert_input(grey), labels)
            curves.log_picture(trainer, PICTURES, picture_grid(*shown.values()))
