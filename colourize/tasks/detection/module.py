"""The training of detectors. N pictures, S their side, M the most boxes of a picture."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from colourize.config import parts
from colourize.config.knobs import value_in
from colourize.data.boxes.boxed import Boxed, Found
from colourize.evaluation.detection.precision import precision
from colourize.models.detections import Detections, detections, on_original
from colourize.models.yolox import YOLOX
from colourize.tasks.detection.data import Batch
from colourize.tasks.detection.losses import losses
from colourize.training.distributed import collectives
from colourize.training.freezing import Freezing
from colourize.training.module import TrainingModule

PARTS = "box", "object", "class"


class Detector(TrainingModule):
    """Trains a network that finds boxes with classes.

    Args:
        network: ``YOLOX``, or a network with ``losses`` and ``detections`` as ``models.torchvision_detector`` has.
        config: the resolved configuration as plain values, stored in every checkpoint.
        truth: the validation pictures with their boxes.
        late: the first epoch with the L1 loss of boxes, counted from 0.
        optimizer: see ``TrainingModule``.
        scheduler: see ``TrainingModule``.
    """

    def __init__(
        self,
        network: nn.Module,
        config: dict[str, Any],
        truth: Boxed,
        late: int,
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(config, optimizer, scheduler)
        self.network = network
        self.truth, self.late = truth, late
        self.found: list[Found] = []
        self.seen: list[int] = []  # their pictures

    def tuned(self) -> nn.Module:
        return self.network

    def frozen(self) -> Freezing:
        """The parts that ``freeze`` names; with ``init_from``, all batch norms keep their means and variances."""
        asked = value_in(self.config, "freeze"), value_in(self.config, "unfreeze_every")
        epochs = parts.frozen(*asked, [name for name, _ in self.network.named_parameters()])
        fixed = [""] if value_in(self.config, "init_from") is not None else []
        return Freezing(self.network, epochs, fixed, value_in(self.config, "moving_norms"))

    def forward(self, pictures: Tensor) -> list[Detections]:
        """Detections in letterboxed pictures, uint8 [N, 3, S, S], red, green, blue."""
        return found_in(self.network, pictures)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        found = self._losses(batch, self.current_epoch >= self.late)
        loss = torch.stack(list(found.values())).sum()
        self.loss = loss.detach()
        return {"loss": loss, **{name: part.detach() for name, part in found.items()}}

    def _losses(self, batch: Batch, l1: bool) -> dict[str, Tensor]:
        pictures, boxes, labels, _ = batch
        present = [row >= 0 for row in labels]
        boxes_of = [part[row] for part, row in zip(boxes, present, strict=True)]
        labels_of = [part[row] for part, row in zip(labels, present, strict=True)]
        if isinstance(self.network, YOLOX):
            found = losses(self.network(blue_first(pictures)), boxes_of, labels_of, l1)
            return {"box": found["iou"] + found["l1"], "object": found["object"], "class": found["class"]}
        network: Any = self.network
        return {
            **dict.fromkeys(PARTS, torch.zeros((), device=self.device)),
            **network.losses(pictures, boxes_of, labels_of),
        }

    def on_validation_epoch_start(self) -> None:
        self.sums = torch.zeros(2, dtype=torch.float64, device=self.device)  # loss, pictures
        self.found, self.seen = [], []

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        pictures, _, _, indices = batch
        loss = torch.stack(list(self._losses(batch, False).values())).sum()
        self.sums.add_(torch.stack([loss, torch.ones_like(loss)]), alpha=len(pictures))
        side = pictures.shape[-1]
        for index, found in zip(indices.tolist(), self(pictures), strict=True):
            height, width = self.truth.sizes[index].tolist()
            placed = on_original(found, side / max(height, width), height, width)
            self.found.append(Found(*(part.cpu() for part in placed)))
            self.seen.append(index)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["classes"] = list(self.truth.classes)

    def on_validation_epoch_end(self) -> None:
        sums = collectives.total(self.sums)
        self.found = of_all_ranks(self.seen, self.found)
        loss = float(sums[0] / sums[1])
        self.check_validation(loss)
        measured = precision(self.truth, self.found)
        means = {"val/loss": loss, "val/AP": measured.ap, "val/AP50": measured.ap50}
        self.log_dict(means, prog_bar=True, logger=False)


def of_all_ranks(seen: list[int], found: list[Found]) -> list[Found]:
    """The boxes that all ranks have found, in the order of the pictures.

    Args:
        seen: the pictures of this rank, ascending.
        found: the boxes that it has found in each.
    """
    if collectives.size() == 1:
        return found
    # rows of picture, box, score, label; one with label -1 for each picture, because there may be no other
    parts = [torch.zeros(0, 7, dtype=torch.float64)]
    for index, each in zip(seen, found, strict=True):
        columns = torch.full((len(each.labels), 1), index), each.boxes, each.scores[:, None], each.labels[:, None]
        parts += [
            torch.tensor([[index, 0, 0, 0, 0, 0, -1]]).double(),
            torch.cat([part.double() for part in columns], 1),
        ]
    rows = collectives.joined(torch.cat(parts))
    marks, kept = rows[:, 6] < 0, rows[rows[:, 6] >= 0]
    of_picture = [kept[kept[:, 0] == index] for index in rows[marks, 0].sort().values]
    return [Found(one[:, 1:5].float(), one[:, 5].float(), one[:, 6].long()) for one in of_picture]


def blue_first(pictures: Tensor) -> Tensor:
    """Red, green, blue uint8 [N, 3, S, S] as blue, green, red float32 in 0 to 255, which YOLOX expects."""
    return pictures.flip(1).float()


def found_in(network: Any, pictures: Tensor) -> list[Detections]:
    """Detections of a network in letterboxed pictures, uint8 [N, 3, S, S], red, green, blue."""
    if isinstance(network, YOLOX):
        return detections(network(blue_first(pictures)))
    return network.detections(pictures)
