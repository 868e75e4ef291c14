"""A moving average of the weights: validated, saved and used, while training continues with the weights."""

from collections.abc import Callable

import pytorch_lightning as pl
import torch
from torch import Tensor

from colourize.private.lightning import Averaging
from colourize.private.torch import copy_all, lerp_all


def averaging(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """Moves averages towards values in place: a <- d a + (1 - d) v, d = min(decay, (1 + t) / (10 + t)).

    Polyak, Juditsky 1992. The decay grows with the number t of averaged steps, as in TensorFlow's
    ``ExponentialMovingAverage``; otherwise the first steps would dominate a short run's average. Integers are copied.
    """

    @torch.no_grad()
    def average(averages: list[Tensor], values: list[Tensor], count: Tensor) -> None:
        if averages[0].is_floating_point():
            steps = float(count)
            lerp_all(averages, values, 1 - min(decay, (1 + steps) / (10 + steps)))
        else:
            copy_all(averages, values)

    return average


class MovingAverage(Averaging):
    """Lightning's callback. In a checkpoint ``state_dict`` is the average, ``current_model_state`` the weights.

    Running means and variances are averaged with the weights. Unlike in Lightning, the average is on the network's
    device, callbacks of the validation see it, and a resumed run with nothing left to train keeps it in the network.

    Args:
        decay: in (0, 1); the average covers about the last 1 / (1 - decay) steps.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=averaging(decay))

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self.keep_on(trainer.strategy.root_device)  # Lightning moves the network there after this call
        super().setup(trainer, pl_module, stage)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pass  # not yet: other callbacks must see the average in on_validation_end

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_validation_epoch_end(trainer, pl_module)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self.restore_average(pl_module)  # Lightning does not call on_train_end if no step is left
