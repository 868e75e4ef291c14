"""The LightningModule around every network. N pictures, H height, W width, K colours."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from colourize.colour import hints
from colourize.colour.decoding import colours_of_classes
from colourize.errors import InputError
from colourize.model import Model

Batch = tuple[Tensor, Tensor]  # grey float32 [N, 1, H, W] in [0, 1), labels int64 [N, H, W]


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-softmax over the colours, a row a pixel: [N, K, H, W] -> [N * H * W, K], float32 or better.

    Channels-last logits lie so in memory: no copy, and about twice as fast on a CPU as over [N, K, H, W].
    """
    rows = logits.to(torch.promote_types(logits.dtype, torch.float32)).permute(0, 2, 3, 1).flatten(0, 2)
    return rows.log_softmax(dim=1)


def pixel_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over pixels of -log softmax(logits)[label], in nats: [N, K, H, W], [N, H, W] -> []."""
    return F.nll_loss(log_probabilities(logits), labels.flatten())


def highest(rows: Tensor) -> Tensor:
    """The highest value of each row: [P, K] -> [P]; NaN where one is NaN.

    On a CPU by halving, K to K/2 to K/4 ...: over a few values that lie beside each other torch's own reduction takes
    more than twice as long.
    """
    if not rows.is_cpu:
        return rows.amax(dim=1)
    while (count := rows.shape[1]) > 1:
        half = (count + 1) // 2
        rows = torch.maximum(rows[:, :half], rows[:, count - half :])
    return rows[:, 0]


def finite_where_all_are(tensors: Sequence[Tensor]) -> Tensor:
    """A number that is not finite where any value of the tensors is not: [].

    On a CPU their sum, in a fifth of the time of their norm; on a GPU the norm, which is a few kernels for all of them.
    """
    if not tensors[0].is_cpu:
        return nn.utils.get_total_norm(tensors)
    return torch.stack([tensor.sum() for tensor in tensors]).sum()


def remedies(config: dict[str, Any]) -> str:
    """What helps against values that are not finite, and is not done already: "pass a smaller lr or ..."."""
    ways = ["a smaller lr"]
    if not config.get("trainer", {}).get("gradient_clip_val"):
        ways.append("trainer.gradient_clip_val=1")
    if config.get("precision", "").endswith("-mixed"):
        ways.append("precision=32-true")
    return f"pass {', '.join(ways[:-1])}{' or ' * (len(ways) > 1)}{ways[-1]}"


def group_factor(index: int, size: int, batch_size: int, num_pictures: int, num_batches: int, group: int) -> float:
    """What makes a batch's mean loss, divided by ``group``, its part of the mean over its group's pictures.

    ``group`` batches make one step of the optimizer, the last of an epoch perhaps fewer.

    Args:
        index: of the batch in its epoch of ``num_batches``.
        size: its number of pictures: ``batch_size``, or fewer at the end of ``num_pictures``.
    """
    first = index - index % group
    end = min(first + group, num_batches)
    return size * group / (min(end * batch_size, num_pictures) - first * batch_size)


class Colourizer(pl.LightningModule):
    """Trains a model by cross-entropy over the colours of its palette.

    Args:
        model: network, palette and colour space.
        config: the resolved configuration as plain values, stored in every checkpoint.
        table_loss: the look-up table's validation loss, against which skill is measured.
        optimizer: builds the optimizer from parameters; not needed to predict.
        scheduler: builds a schedule from the optimizer and ``num_steps``, stepped every batch; one that waits for the
            validation loss to fall is stepped after every validation.
        fingerprint: of the pictures and the palette, stored in every checkpoint.
        augment: other pictures from a training batch's; see ``colourize.data.augment``.
        criterion: of ``losses``, trained on in place of cross-entropy; validation stays cross-entropy.
    """

    def __init__(
        self,
        model: Model,
        config: dict[str, Any],
        table_loss: float = math.nan,
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., Any] | None = None,
        fingerprint: str = "",
        augment: Callable[[Tensor, Tensor], Batch] | None = None,
        criterion: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.table_loss = table_loss
        self.fingerprint = fingerprint
        # a baseline is counted, not trained: it has no parameters and so no optimizer to step
        self.automatic_optimization = any(True for _ in self.model.network.parameters())
        self.build_optimizer = optimizer
        self.build_scheduler = scheduler
        self.augment = augment
        self.criterion = criterion
        self.plateau: ReduceLROnPlateau | None = None
        self.plateau_state: dict[str, Any] | None = None

    def forward(self, grey: Tensor) -> Tensor:
        """Logits: [N, 1, H, W] in [0, 1) -> [N, K, H, W]."""
        return self.model(grey)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        grey, labels = batch if self.augment is None else self.augment(*batch)
        if getattr(self.model.network, "hints", False):
            colours = colours_of_classes(labels, grey, self.model.palette, self.model.space)
            grey = torch.cat((grey, hints.drawn(colours.cpu()).to(grey)), dim=1)
        rows, labels = log_probabilities(self(grey)), labels.flatten()
        own = F.nll_loss(rows, labels, reduction="none")
        loss = (own if self.criterion is None else self.criterion(rows, labels, own)).mean()
        self.loss, self.num_pictures = loss.detach(), len(grey)
        # a tie counts, which is why validation takes the arg-max; but that costs four times as much
        right = own.detach().neg() >= highest(rows.detach())
        return {"loss": loss, "accuracy": right.float().mean()}

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Lightning has divided a batch's loss by the batches of a full group; a group may be shorter."""
        if (group := self.trainer.accumulate_grad_batches) > 1:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            index, count = self.trainer.fit_loop.batch_idx, int(self.trainer.num_training_batches)
            loss = loss * group_factor(index, self.num_pictures, data.batch_size, len(data.train), count, group)
        super().backward(loss, *args, **kwargs)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Raises InputError, before any weight moves, where the loss or a gradient is not finite."""
        checked = self.loss.float()
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:  # which skips such a step by itself
            gradients = [parameter.grad for parameter in self.model.network.parameters() if parameter.grad is not None]
            checked = checked + finite_where_all_are(gradients)
        if not math.isfinite(checked):
            cause = "a gradient is NaN or infinite" if math.isfinite(self.loss) else f"the loss is {self.loss}"
            raise InputError(
                f"{cause} in step {self.trainer.global_step} (epoch {self.trainer.current_epoch + 1}), with "
                f"lr={optimizer.param_groups[0]['lr']:.3g}; the weights before it are kept; {remedies(self.config)}"
            )

    def on_validation_epoch_start(self) -> None:
        self.sums = torch.zeros(3, dtype=torch.float64, device=self.device)  # loss, right pixels, pictures

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        grey, labels = batch
        logits = self(grey)
        right = (logits.argmax(dim=1) == labels).float().mean()
        means = torch.stack([pixel_cross_entropy(logits, labels), right, torch.ones_like(right)])
        self.sums.add_(means, alpha=len(grey))

    def on_validation_epoch_end(self) -> None:
        loss, accuracy, _ = (self.sums / self.sums[2]).tolist()
        if self.automatic_optimization and not math.isfinite(loss):  # a baseline's may be infinite
            raise InputError(
                f"the validation loss is {loss} in epoch {self.trainer.current_epoch + 1}, with "
                f"lr={self.trainer.optimizers[0].param_groups[0]['lr']:.3g}; "
                f"what was saved before it is kept; {remedies(self.config)}"
            )
        means = {"val/loss": loss, "val/accuracy": accuracy}
        self.log_dict(means, prog_bar=True, logger=False)
        self.log("val/skill", 1 - loss / self.table_loss, logger=False)

    def on_validation_end(self) -> None:
        if self.plateau is not None:  # Lightning would step it after the checkpoint, and lose the step on resumption
            self.plateau.step(float(self.trainer.callback_metrics["val/loss"]))

    def configure_optimizers(self) -> Any:
        if not self.automatic_optimization:
            return None
        if self.build_optimizer is None:
            raise RuntimeError("this Colourizer was built to predict; give it an optimizer to train")
        optimizer = self.build_optimizer(self.model.network.parameters())
        if self.build_scheduler is None:
            return optimizer
        schedule = self.build_scheduler(optimizer, num_steps=int(self.trainer.estimated_stepping_batches))
        if isinstance(schedule, ReduceLROnPlateau):
            self.plateau = schedule
            if self.plateau_state:
                schedule.load_state_dict(self.plateau_state)
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
        checkpoint["fingerprint"] = self.fingerprint
        checkpoint["plateau"] = None if self.plateau is None else self.plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.plateau_state = checkpoint["plateau"]
