"""The training of every colourization network. N pictures, H height, W width, K colours."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from colourize.colour import hints
from colourize.colour.decoding import colours_of_classes
from colourize.config import parts
from colourize.config.knobs import value_in
from colourize.kernels import rows as kernels
from colourize.model import Model
from colourize.training.distributed import collectives
from colourize.training.freezing import Freezing
from colourize.training.module import TrainingModule

Batch = tuple[Tensor, Tensor]  # grey float32 [N, 1, H, W] in [0, 1), labels int64 [N, h, w]


def log_probabilities(logits: Tensor) -> Tensor:
    """Log-softmax over the colours, one row per pixel: [N, K, H, W] -> [N * H * W, K], float32 or better.

    Channels-last logits have this order in memory, so nothing is copied; on a CPU this is about twice as fast as over
    [N, K, H, W].
    """
    rows = logits.to(torch.promote_types(logits.dtype, torch.float32)).permute(0, 2, 3, 1).flatten(0, 2)
    return rows.log_softmax(dim=1)


def pixel_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over pixels of -log softmax(logits)[label], in nats: [N, K, H, W], [N, H, W] -> []."""
    return F.nll_loss(log_probabilities(logits), labels.flatten())


def highest(rows: Tensor) -> Tensor:
    """The highest value of each row: [P, K] -> [P]; NaN if one is NaN.

    On a CPU it takes maxima of halves, K to K/2 to K/4 ...; torch's own reduction over a few adjacent values takes more
    than twice as long.
    """
    if not rows.is_cpu:
        return rows.amax(dim=1)
    while (count := rows.shape[1]) > 1:
        half = (count + 1) // 2
        rows = torch.maximum(rows[:, :half], rows[:, count - half :])
    return rows[:, 0]


class Colourizer(TrainingModule):
    """Trains a model by cross-entropy over the colours of its palette.

    Args:
        model: network, palette and colour space.
        config: the resolved configuration as plain values, stored in every checkpoint.
        table_loss: the look-up table's validation loss, the reference of the skill.
        optimizer: see ``TrainingModule``.
        scheduler: see ``TrainingModule``.
        augment: changes the pictures of a training batch; see ``colourize.data.augment``. With ``data.crops`` a batch
            contains only pictures, and ``augment`` returns their grey and labels.
        criterion: a loss of ``losses`` for training; None: cross-entropy. Validation always uses cross-entropy.
    """

    def __init__(
        self,
        model: Model,
        config: dict[str, Any],
        table_loss: float = math.nan,
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., Any] | None = None,
        augment: Callable[..., Batch] | None = None,
        criterion: nn.Module | None = None,
    ) -> None:
        super().__init__(config, optimizer, scheduler)
        self.model = model
        self.table_loss = table_loss
        # a floor has no parameters, and so no optimizer
        self.automatic_optimization = any(True for _ in model.parameters())
        self.augment = augment
        self.criterion = criterion

    def tuned(self) -> nn.Module:
        return self.model.network

    def frozen(self) -> Freezing:
        """The parts that ``freeze`` names, and the encoder of ``EncoderUNet``, which has its own knobs."""
        network: Any = self.model.network
        asked = value_in(self.config, "freeze"), value_in(self.config, "unfreeze_every")
        epochs = parts.frozen(*asked, [name for name, _ in network.named_parameters()])
        fixed = [""] if value_in(self.config, "init_from") is not None else []
        if hasattr(network, "upto"):
            count, always = (value_in(self.config, name) for name in ("frozen_epochs", "frozen_stride"))
            own = {"encoder": math.inf if count is None else count, **dict.fromkeys(network.upto(always), math.inf)}
            epochs = {name: max(epochs.get(name, 0), own.get(name, 0)) for name in epochs | own}
            fixed += ["encoder"] if value_in(self.config, "encoder_weights") != "none" else []
        return Freezing(network, epochs, fixed, value_in(self.config, "moving_norms"))

    def factors(self) -> dict[str, float]:
        """The factors of ``lr_scale``, and the encoder's ``encoder_rate``."""
        asked = super().factors()
        if not hasattr(self.model.network, "upto") or value_in(self.config, "frozen_epochs") is None:
            return asked
        return {**asked, "encoder": value_in(self.config, "encoder_rate") * asked.get("encoder", 1.0)}

    def forward(self, grey: Tensor) -> Tensor:
        """Logits: [N, 1, H, W] in [0, 1) -> [N, K, h, w], at the network's stride."""
        return self.model(grey) if self.compiled is None else self.compiled(grey)

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        grey, labels = batch if self.augment is None else self.augment(*batch)
        if getattr(self.model.network, "hints", False):
            colours = colours_of_classes(labels, grey, self.model.palette, self.model.space)
            grey = torch.cat((grey, hints.drawn(colours.cpu()).to(grey)), dim=1)
        logits = self(grey)
        if self.fused and self.criterion is None and kernels.suits(logits):
            loss, accuracy = kernels.cross_entropy(logits, labels)
            self.loss = loss.detach()
            return {"loss": loss, "accuracy": accuracy}
        rows, labels = log_probabilities(logits), labels.flatten()
        own = F.nll_loss(rows, labels, reduction="none")
        loss = (own if self.criterion is None else self.criterion(rows, labels, own)).mean()
        self.loss = loss.detach()
        # a tie counts as correct; validation uses the arg-max instead, which takes four times as long
        right = own.detach().neg() >= highest(rows.detach())
        return {"loss": loss, "accuracy": right.float().mean()}

    def on_validation_epoch_start(self) -> None:
        self.sums = torch.zeros(3, dtype=torch.float64, device=self.device)  # loss, correct pixels, pictures

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        grey, labels = batch
        logits = self(grey)
        if self.fused and kernels.suits(logits):
            loss, right = kernels.evaluated(logits, labels)
        else:
            loss, right = pixel_cross_entropy(logits, labels), (logits.argmax(dim=1) == labels).float().mean()
        means = torch.stack([loss, right, torch.ones_like(right)])
        self.sums.add_(means, alpha=len(grey))

    def on_validation_epoch_end(self) -> None:
        sums = collectives.total(self.sums)
        loss, accuracy, _ = (sums / sums[2]).tolist()
        self.check_validation(loss)
        means = {"val/loss": loss, "val/accuracy": accuracy}
        self.log_dict(means, prog_bar=True, logger=False)
        self.log("val/skill", 1 - loss / self.table_loss, logger=False)
