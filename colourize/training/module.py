"""The base of every trained module: optimizer and schedule, checks of loss and gradients, part of the checkpoint."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from colourize.errors import InputError
from colourize.training.batches import place


def finite_where_all_are(tensors: Sequence[Tensor]) -> Tensor:
    """A number that is finite only if every value of the tensors is: [].

    On a CPU their sum, in a fifth of the time of their norm; on a GPU the norm, which is a few kernels for all of them.
    """
    if not tensors[0].is_cpu:
        return nn.utils.get_total_norm(tensors)
    return torch.stack([tensor.sum() for tensor in tensors]).sum()


def remedies(config: dict[str, Any]) -> str:
    """Remedies against values that are not finite and that the run lacks: "pass a smaller lr or ..."."""
    ways = ["a smaller lr"]
    if not config.get("trainer", {}).get("gradient_clip_val"):
        ways.append("trainer.gradient_clip_val=1")
    if config.get("precision", "").endswith("-mixed"):
        ways.append("precision=32-true")
    return f"pass {', '.join(ways[:-1])}{' or ' * (len(ways) > 1)}{ways[-1]}"


def group_factor(index: int, size: int, batch_size: int, num_examples: int, num_batches: int, group: int) -> float:
    """Factor that turns a batch's mean loss, divided by ``group``, into its share of the mean over its group.

    ``group`` batches make one step of the optimizer; the last group of an epoch may have fewer.

    Args:
        index: of the batch in its epoch of ``num_batches``.
        size: its number of examples: ``batch_size``, or fewer at the end of ``num_examples``.
    """
    first = index - index % group
    end = min(first + group, num_batches)
    return size * group / (min(end * batch_size, num_examples) - first * batch_size)


class TrainingModule(pl.LightningModule):
    """A module that the life of a run can train, save and resume.

    A task's module defines ``training_step`` and ``validation_step``. The first sets ``loss``, the detached loss of the
    batch, and returns "loss" and the task's other training metrics by name, each []. The second logs "val/NAME".

    Args:
        config: the resolved configuration as plain values, stored in every checkpoint.
        optimizer: builds the optimizer from the parameters; not needed to predict.
        scheduler: builds a schedule from the optimizer and ``num_steps``, stepped every batch; one that waits for the
            validation loss (plateau) is stepped after every validation.

    Attributes:
        loss: of the last training batch, [].
        fingerprint: of the data, stored in every checkpoint.
        compiled: the network as torch has compiled it, which ``forward`` takes in its place; None: it is not compiled.
    """

    loss: Tensor

    def __init__(
        self,
        config: dict[str, Any],
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.build_optimizer = optimizer
        self.build_scheduler = scheduler
        self.fingerprint = ""
        self.compiled: Callable[[Tensor], Tensor] | None = None
        self.plateau: ReduceLROnPlateau | None = None
        self.plateau_state: dict[str, Any] | None = None
        self.batch_examples = 0

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        self.batch_examples = len(batch[0])

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Lightning has divided a batch's loss by the batches of a full group; a group may be shorter."""
        if (group := self.trainer.accumulate_grad_batches) > 1:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            index, count = self.trainer.fit_loop.batch_idx, int(self.trainer.num_training_batches)
            loss = loss * group_factor(index, self.batch_examples, data.batch_size, len(data.train), count, group)
        super().backward(loss, *args, **kwargs)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Raises InputError, before any weight moves, if the loss or a gradient is not finite."""
        checked = self.loss.float()
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:  # a scaler skips such a step by itself
            gradients = [parameter.grad for parameter in self.parameters() if parameter.grad is not None]
            checked = checked + finite_where_all_are(gradients)
        if not math.isfinite(checked):
            cause = "a gradient is NaN or infinite" if math.isfinite(self.loss) else f"the loss is {self.loss}"
            raise InputError(
                f"{cause} in step {self.trainer.global_step} (epoch {self.trainer.current_epoch + 1}), with "
                f"lr={optimizer.param_groups[0]['lr']:.3g}; the weights before it are kept; {remedies(self.config)}"
            )

    def check_validation(self, loss: float) -> None:
        """Raises InputError if a validation loss is not finite; a baseline, which has no steps, may have one."""
        if self.automatic_optimization and not math.isfinite(loss):
            raise InputError(
                f"the validation loss is {loss} in epoch {self.trainer.current_epoch + 1}, with "
                f"lr={self.trainer.optimizers[0].param_groups[0]['lr']:.3g}; "
                f"what was saved before it is kept; {remedies(self.config)}"
            )

    def on_validation_end(self) -> None:
        if self.plateau is not None:  # Lightning would step it after the checkpoint, and lose the step on resumption
            self.plateau.step(float(self.trainer.callback_metrics["val/loss"]))

    def configure_optimizers(self) -> Any:
        if not self.automatic_optimization:
            return None
        if self.build_optimizer is None:
            raise RuntimeError("this module has no optimizer, so it can only predict; pass one to train")
        optimizer = self.build_optimizer(self.grouped(list(self.parameters())))
        if self.build_scheduler is None:
            return optimizer
        schedule = self.build_scheduler(optimizer, num_steps=int(self.trainer.estimated_stepping_batches))
        if isinstance(schedule, ReduceLROnPlateau):
            self.plateau = schedule
            if self.plateau_state:
                schedule.load_state_dict(self.plateau_state)
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def grouped(self, parameters: list[nn.Parameter]) -> list[Any]:
        """What the optimizer is built from: the parameters, or groups of them with settings of their own.

        Args:
            parameters: as many as the module's own, in their order: these, or copies.
        """
        return parameters

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
        checkpoint["fingerprint"] = self.fingerprint
        checkpoint["plateau"] = None if self.plateau is None else self.plateau.state_dict()
        checkpoint["place"] = place(checkpoint["loops"]["fit_loop"])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.plateau_state = checkpoint["plateau"]
        self.trainer.datamodule.start_at(**checkpoint["place"])  # type: ignore[attr-defined]
