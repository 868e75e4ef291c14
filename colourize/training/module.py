"""The base class of trained modules: optimizer, schedule, checks of loss and gradients, entries of the checkpoint."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from colourize.config import parts
from colourize.config.knobs import value_in
from colourize.errors import InputError
from colourize.kernels import rows
from colourize.training.batches import place
from colourize.training.distributed import collectives
from colourize.training.distributed.shares import share
from colourize.training.freezing import Freezing
from colourize.training.groups import groups


def all_finite(tensors: Sequence[Tensor], fused: bool = False) -> bool:
    """Whether every value of the tensors is finite.

    By a kernel where ``fused`` (``colourize.kernels``). Otherwise on a CPU by their sum, which takes a fifth of the
    time of the norm, and on a GPU by the norm, because this launches only a few kernels for all tensors; for these two
    a sum beyond the range of the type is not finite.
    """
    if not tensors:
        return True
    if fused and all(map(rows.in_one_piece, tensors)):
        return rows.finite(tensors)
    if not tensors[0].is_cpu:
        return math.isfinite(nn.utils.get_total_norm(tensors))
    return math.isfinite(torch.stack([tensor.sum() for tensor in tensors]).sum())


def remedies(config: dict[str, Any]) -> str:
    """Remedies against NaN and infinity that the run does not use yet: "pass a smaller lr or ..."."""
    ways = ["a smaller lr"]
    if not config.get("trainer", {}).get("gradient_clip_val"):
        ways.append("trainer.gradient_clip_val=1")
    if config.get("precision", "").endswith("-mixed"):
        ways.append("precision=32-true")
    return f"pass {', '.join(ways[:-1])}{' or ' * (len(ways) > 1)}{ways[-1]}"


def group_factor(
    index: int, size: int, batch_size: int, num_examples: int, num_batches: int, group: int, ranks: int = 1
) -> float:
    """The factor from a batch's mean loss, divided by ``group``, to its share of the mean loss over its group.

    One step of the optimizer uses a group of ``group`` batches; the last group of an epoch may have fewer. Of several
    ranks each has a part of every batch, and the gradients are averaged over the ranks.

    Args:
        index: index of the batch in its epoch of ``num_batches``.
        size: its number of examples, on this rank: a part of ``batch_size``, or of fewer in the last batch of
            ``num_examples``.
    """
    first = index - index % group
    end = min(first + group, num_batches)
    return size * group * ranks / (min(end * batch_size, num_examples) - first * batch_size)


class TrainingModule(pl.LightningModule):
    """A module that a run can train, save and resume.

    Subclasses define ``training_step`` and ``validation_step``. The first sets ``loss``, the detached loss of the
    batch, and returns "loss" and the task's other training metrics by name, each []. The second logs "val/NAME".

    Args:
        config: the resolved configuration as plain values, stored in every checkpoint.
        optimizer: builds the optimizer from the parameters; not needed to predict.
        scheduler: builds a schedule from the optimizer and ``num_steps``. It is stepped after every batch; a schedule
            that depends on the validation loss (plateau) is stepped after every validation.

    Attributes:
        loss: loss of the last training batch, [].
        fingerprint: fingerprint of the data, stored in every checkpoint.
        compiled: the compiled network, which ``forward`` uses; None: the network is not compiled.
        fused: whether the kernels of ``one_pass=true`` are used.
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
        self.fused = False
        self.plateau: ReduceLROnPlateau | None = None
        self.plateau_state: dict[str, Any] | None = None
        self.batch_examples = 0

    def tuned(self) -> nn.Module:
        """The network whose parts ``freeze`` and ``lr_scale`` name."""
        return self

    @cached_property
    def freezing(self) -> Freezing:
        """The frozen parts of the network; raises InputError if the network lacks one."""
        return self.frozen()

    def frozen(self) -> Freezing:
        """The parts that ``freeze`` names; see ``freezing``."""
        names = [name for name, _ in self.tuned().named_parameters()]
        asked = value_in(self.config, "freeze"), value_in(self.config, "unfreeze_every")
        return Freezing(self.tuned(), parts.frozen(*asked, names), moving=value_in(self.config, "moving_norms"))

    def factors(self) -> dict[str, float]:
        """Factors of the learning rate by name of part, see ``lr_scale``."""
        return parts.factors(value_in(self.config, "lr_scale"))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        data: Any = self.trainer.datamodule if collectives.size() > 1 else None  # type: ignore[attr-defined]
        self.batch_examples = share.size = len(batch[0]) if data is None else data.own_size(batch_idx)
        self.freezing.apply(self.current_epoch)

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Corrects Lightning's division of a batch's loss by the size of a full group: a group may be smaller.

        So may this rank's part of it, while DDP takes the mean over the ranks.
        """
        group, ranks = self.trainer.accumulate_grad_batches, collectives.size()
        if group > 1 or ranks > 1:
            data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
            index, count = self.trainer.fit_loop.batch_idx, int(self.trainer.num_training_batches)
            known = index, self.batch_examples, data.step_size, len(data.train), count, group, ranks
            loss = loss * group_factor(*known)
        super().backward(loss, *args, **kwargs)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Raises InputError, before any weight changes, if the loss or a gradient is not finite."""
        gradients: list[Tensor] = []
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:  # a scaler itself skips such a step
            # empty where a callback skips the backward pass, as swa does to measure the statistics of batch norms
            gradients = [parameter.grad for parameter in self.parameters() if parameter.grad is not None]
        if not (all_finite(gradients, self.fused) and math.isfinite(self.loss)):
            cause = "a gradient is NaN or infinite" if math.isfinite(self.loss) else f"the loss is {self.loss}"
            raise InputError(
                f"{cause} in step {self.trainer.global_step} (epoch {self.trainer.current_epoch + 1}), with "
                f"lr={optimizer.param_groups[0]['lr']:.3g}; the weights before it are kept; {remedies(self.config)}"
            )

    def check_validation(self, loss: float) -> None:
        """Raises InputError if a validation loss is not finite, except for a floor, which is not trained."""
        if self.automatic_optimization and not math.isfinite(loss):
            raise InputError(
                f"the validation loss is {loss} in epoch {self.trainer.current_epoch + 1}, with "
                f"lr={self.trainer.optimizers[0].param_groups[0]['lr']:.3g}; "
                f"earlier checkpoints are kept; {remedies(self.config)}"
            )

    def on_validation_end(self) -> None:
        if (
            self.plateau is not None
        ):  # Lightning would step it after saving the checkpoint, so a resumed run would lose this step
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
        """The optimizer's argument: the parameters, or groups with different learning rates.

        Args:
            parameters: the module's parameters in order, or copies of them.
        """
        if not (asked := self.factors()):
            return parameters
        names = [name for name, _ in self.tuned().named_parameters()]
        known = dict(zip(map(id, self.tuned().parameters()), parts.scales(asked, names), strict=True))
        factors = [known.get(id(each), 1.0) for each in self.parameters()]
        return groups(parameters, factors, self.config["optimizer"]["lr"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
        checkpoint["fingerprint"] = self.fingerprint
        checkpoint["plateau"] = None if self.plateau is None else self.plateau.state_dict()
        checkpoint["place"] = place(checkpoint["loops"]["fit_loop"])
        checkpoint["fixed"] = sorted(self.freezing.fixed)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.plateau_state = checkpoint["plateau"]
        self.freezing.fixed = set(checkpoint.get("fixed", self.freezing.fixed))
        self.trainer.datamodule.start_at(**checkpoint["place"])  # type: ignore[attr-defined]
