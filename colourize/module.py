"""The LightningModule around every network. N pictures, H height, W width, K colours."""

import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

Batch = tuple[Tensor, Tensor]  # grey float32 [N, 1, H, W] in [0, 1), labels int64 [N, H, W]


def pixel_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over pixels of -log softmax(logits)[label], in nats: [N, K, H, W], [N, H, W] -> [].

    Over [N * H * W, K] rows, which is how channels-last logits lie in memory: no copy, and about twice as fast on a CPU
    as the same loss over [N, K, H, W].
    """
    return F.cross_entropy(logits.permute(0, 2, 3, 1).flatten(0, 2), labels.flatten())


def pixel_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of pixels whose label has the highest logit: [N, K, H, W], [N, H, W] -> [] in [0, 1].

    A tie counts, which is why validation takes the arg-max; but this costs a tenth of it on a CPU in each step.
    """
    own = logits.gather(1, labels[:, None])[:, 0]
    return (own >= logits.amax(dim=1)).float().mean()


class Colourizer(pl.LightningModule):
    """Trains ``network``, logits [N, K, H, W] from grey [N, 1, H, W], by cross-entropy over the palette's colours.

    Args:
        network: the architecture.
        palette: float32 [K, 3] in [0, 1]; a buffer, so a checkpoint decodes its own classes.
        config: the resolved configuration as plain values, stored in every checkpoint.
        table_loss: the look-up table's validation loss, against which skill is measured.
        optimizer: builds the optimizer from parameters; not needed to predict.
        scheduler: builds a schedule from the optimizer and ``num_steps``, stepped every batch.
    """

    palette: Tensor

    def __init__(
        self,
        network: nn.Module,
        palette: Tensor,
        config: dict[str, Any],
        table_loss: float = math.nan,
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.register_buffer("palette", palette)
        self.config = config
        self.table_loss = table_loss
        # a baseline is counted, not trained: it has no parameters and so no optimizer to step
        self.automatic_optimization = any(True for _ in self.network.parameters())
        self.build_optimizer = optimizer
        self.build_scheduler = scheduler

    def forward(self, grey: Tensor) -> Tensor:
        """Logits: [N, 1, H, W] in [0, 1) -> [N, K, H, W]."""
        return self.network(grey)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        grey, labels = batch
        logits = self(grey)
        loss = pixel_cross_entropy(logits, labels)
        shown = {"loss": loss.detach(), "accuracy": pixel_accuracy(logits.detach(), labels)}
        self.log_dict(shown, prog_bar=True, logger=False, batch_size=len(grey))
        means = {f"train/{name}": value for name, value in shown.items()}
        self.log_dict(means, on_step=False, on_epoch=True, batch_size=len(grey))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        grey, labels = batch
        logits = self(grey)
        loss = pixel_cross_entropy(logits, labels)
        means = {"val/loss": loss, "val/accuracy": (logits.argmax(dim=1) == labels).float().mean()}
        self.log_dict(means, prog_bar=True, batch_size=len(grey))
        self.log("val/skill", 1 - loss / self.table_loss, batch_size=len(grey))  # a mean of it is that of the mean loss

    def configure_optimizers(self) -> Any:
        if not self.automatic_optimization:
            return None
        if self.build_optimizer is None:
            raise RuntimeError("this Colourizer was built to predict; give it an optimizer to train")
        optimizer = self.build_optimizer(self.network.parameters())
        if self.build_scheduler is None:
            return optimizer
        schedule = self.build_scheduler(optimizer, num_steps=int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
