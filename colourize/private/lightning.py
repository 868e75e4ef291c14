"""Private names of Lightning."""

import contextlib

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.callbacks import RichProgressBar, WeightAveraging
from pytorch_lightning.strategies import DDPStrategy

USED = (
    "pytorch_lightning.callbacks.RichProgressBar._get_train_description",
    "pytorch_lightning.callbacks.RichProgressBar._stop_progress",
    "pytorch_lightning.callbacks.WeightAveraging()._average_model",
    "pytorch_lightning.callbacks.WeightAveraging()._copy_average_to_current",
    "pytorch_lightning.callbacks.WeightAveraging()._device",
    "pytorch_lightning.strategies.DDPStrategy()._ddp_kwargs",
)


class Bar(RichProgressBar):
    """Lightning's progress bar with our own description. A signal while the bar starts causes no error."""

    def epoch_description(self, current_epoch: int) -> str:
        """The text before the bar of an epoch, counted from 0."""
        return super()._get_train_description(current_epoch)

    def _get_train_description(self, current_epoch: int) -> str:
        return self.epoch_description(current_epoch)

    def _stop_progress(self) -> None:
        with contextlib.suppress(RuntimeError):  # a signal came while the bar's thread started: it cannot be joined
            super()._stop_progress()


class Averaging(WeightAveraging):
    """Lightning's moving average, with methods to set its device and to copy the average into the module."""

    def keep_on(self, device: torch.device) -> None:
        """Sets the device of the average; call it before ``setup``."""
        self._device = device

    def restore_average(self, module: LightningModule) -> None:
        """Copies the average, if any, into the module."""
        if self._average_model is not None:
            self._copy_average_to_current(module)


class Wrapped(DDPStrategy):
    """Lightning's DDP with an argument that is known only when the module is."""

    def find_unused(self, unused: bool) -> None:
        """Sets whether some weights have no gradient in some steps."""
        self._ddp_kwargs["find_unused_parameters"] = unused
