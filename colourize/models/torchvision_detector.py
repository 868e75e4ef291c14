"""Any detector of torchvision, with the classes of the data. N pictures, S their side."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import detection, get_model, get_model_weights, list_models

from colourize import files
from colourize.errors import InputError, one_line
from colourize.models.detections import Detections

BACKGROUND = 1  # classes of torchvision count from 1
PARTS = {"reg": "box", "objectness": "object", "ctrness": "object"}
"""Parts of the names of torchvision's losses, and our names; others are losses of classes."""


class TorchvisionDetector(nn.Module):
    """A detector of torchvision by its name, for ``num_classes`` classes.

    Args:
        num_classes: classes of the data, without the background.
        name: of the detector in torchvision.

    Raises:
        InputError: torchvision has no detector of this name.
    """

    def __init__(self, num_classes: int, name: str = "ssdlite320_mobilenet_v3_large") -> None:
        super().__init__()
        known = list_models(module=detection)
        if name not in known:
            raise InputError(f"model.name={name} is not a detector of torchvision; pass one of {', '.join(known)}")
        self.name, self.num_classes = name, num_classes
        self.network = get_model(name, weights=None, weights_backbone=None, num_classes=num_classes + BACKGROUND)

    def losses(self, pictures: Tensor, boxes: Sequence[Tensor], labels: Sequence[Tensor]) -> dict[str, Tensor]:
        """The losses "box", "object" and "class" as far as the detector has them, each [].

        Args:
            pictures: uint8 [N, 3, S, S], red, green, blue.
            boxes: of each picture, [n, 4] as x1, y1, x2, y2 in its pixels.
            labels: of each picture, int64 [n].
        """
        targets = [{"boxes": box, "labels": label + BACKGROUND} for box, label in zip(boxes, labels, strict=True)]
        modes = [(module, module.training) for module in self.network.modules()]
        for module, _ in modes:  # torchvision gives losses only in training mode; batch norms keep theirs
            if not isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.Dropout):
                module.training = True
        found = self.network(list(pictures / 255), targets)
        for module, training in modes:
            module.training = training
        sums: dict[str, Tensor] = {}
        for key, value in found.items():
            name = next((ours for part, ours in PARTS.items() if part in key), "class")
            sums[name] = sums.get(name, torch.zeros_like(value)) + value
        return sums

    def detections(self, pictures: Tensor) -> list[Detections]:
        """Detections in pictures, uint8 [N, 3, S, S], red, green, blue."""
        found = self.network(list(pictures / 255))
        return [(each["boxes"], each["scores"], each["labels"] - BACKGROUND) for each in found]

    def load(self, source: str) -> None:
        """Copies the tensors that fit by name and shape: of ``coco`` (torchvision's own), or of a ``.pth`` file.

        Raises:
            InputError: the weights are not available, or none of them fits.
        """
        state = self._published() if source == "coco" else self._read(source)
        own = self.network.state_dict()
        fits = [name for name in own if name in state and state[name].shape == own[name].shape]
        if not fits:
            raise InputError(f"init_from={source}: no tensor fits {self.name}; pass weights of this detector, or coco")
        with torch.no_grad():
            for name in fits:
                own[name].copy_(state[name])

    def _published(self) -> dict[str, Tensor]:
        weights: Any = get_model_weights(self.name)
        try:
            return weights.DEFAULT.get_state_dict(progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"init_from=coco: torchvision's weights of {self.name} cannot be downloaded ({one_line(error)[:120]}); "
                "pass init_from=FILE"
            ) from error

    @staticmethod
    def _read(source: str) -> dict[str, Tensor]:
        file = files.expanded(source)
        if not file.is_file():
            raise InputError(f"init_from={file}: no such file{files.looked_at(file)}; pass a .pth file, or coco")
        try:
            contents: Any = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # damaged files raise nearly every type
            raise InputError(
                f"init_from={file} must contain only tensors ({type(error).__name__}); pass a .pth of torchvision"
            ) from error
        return contents if isinstance(contents, dict) else {}
