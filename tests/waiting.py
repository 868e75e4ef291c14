"""A callback that holds a run in the middle until a signal asks it to end."""

import time
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer

from colourize.training.distributed import collectives
from colourize.training.resumption import Resumption


class Waits(Callback):
    """Waits on rank 0 in step 7 of the run with seed 0, at its first start, which leaves the file ``marker``."""

    def __init__(self, marker: str) -> None:
        self.marker = Path(marker)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch, batch_idx):
        waits = trainer.global_step == 7 and pl_module.config["seed"] == 0 and collectives.rank() == 0
        if not waits or self.marker.exists():
            return
        self.marker.touch()
        (resumption,) = (each for each in trainer.callbacks if isinstance(each, Resumption))
        end = time.monotonic() + 120
        while not resumption.signum and time.monotonic() < end:
            time.sleep(0.05)
