"""A moving average of the weights: what is validated, saved and used, while training goes on from the weights."""

from collections.abc import Callable

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor


def averaging(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """Moves averages towards values in place: a <- d a + (1 - d) v, d = min(decay, (1 + t) / (10 + t)).

    Polyak, Juditsky 1992; the decay grows with the number t of steps that are averaged, as in TensorFlow's
    ``ExponentialMovingAverage``, or a short run's average would hold little but the first steps. Integers are copied.
    """

    @torch.no_grad()
    def average(averages: list[Tensor], values: list[Tensor], count: Tensor) -> None:
        if averages[0].is_floating_point():
            steps = float(count)
            torch._foreach_lerp_(averages, values, 1 - min(decay, (1 + steps) / (10 + steps)))
        else:
            torch._foreach_copy_(averages, values)

    return average


class MovingAverage(WeightAveraging):
    """Lightning's callback; in a checkpoint ``state_dict`` is the average, ``current_model_state`` what goes on.

    Running means and variances are averaged with the weights. Other than Lightning's it lies on the network's device,
    is what ``ExamplePictures`` shows, and stays in the network where a run that goes on has nothing left to train.

    Args:
        decay: in (0, 1); the average reaches back about 1 / (1 - decay) steps.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=averaging(decay))

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._device = trainer.strategy.root_device  # where Lightning moves the network after this
        super().setup(trainer, pl_module, stage)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pass  # the others' on_validation_end is to see the average

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_validation_epoch_end(trainer, pl_module)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self._average_model is not None:  # without a step to make Lightning calls no on_train_end
            self._copy_average_to_current(pl_module)
