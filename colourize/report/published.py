"""Published results for the course's networks at the course's settings, drawn with runs that have these settings."""

from typing import Any, NamedTuple

from colourize.runs.apart import value_of

SOURCE = "notebooks of public student repositories of CSC413/2516, Winter 2023, in this project's collection"


class Published(NamedTuple):
    """Final validation loss (nats per pixel) and accuracy (a share): mean and sd over runs with a random seed."""

    runs: int
    loss: tuple[float, float]
    accuracy: tuple[float, float]


RESULTS = {
    "PoolUpsampleNet": Published(10, (1.5835, 0.0021), (0.4124, 0.0007)),
    "ConvTransposeNet": Published(8, (1.1487, 0.0044), (0.5520, 0.0021)),
    "UNet": Published(6, (1.0683, 0.0067), (0.5795, 0.0034)),
}
SETTINGS = {
    "optimizer": "adam", "optimizer.betas": "[0.9, 0.999]", "optimizer.weight_decay": 0.0, "lr": 0.001,
    "scheduler": "none", "augment": "none", "loss": "cross_entropy", "batch_size": 100, "max_epochs": 25, "ema": None,
    "kernel": 3, "dilation": 1, "num_filters": 32, "num_colours": 24, "colour_space": "rgb", "image_size": 32,
    "palette": "kmeans", "data.validation_classes": None, "holdout": 0.0, "patience": None, "precision": "32-true",
}  # fmt: skip


def matching(values: dict[str, Any]) -> Published | None:
    """The published result for these values, from ``runs.apart.setting``; None if a value differs."""
    same = all(value_of(values, name) == value for name, value in SETTINGS.items())
    others = [name for name in values if "." in name and not name.startswith("data.") and name not in SETTINGS]
    horses = values.get("classes") in ("horse", 7, '["horse"]', "[7]") and values.get("data") in ("cifar10", "folder")
    plain = "ckpt_path" not in values and set(others) <= {"optimizer.fused"}
    return RESULTS.get(str(values["model"])) if same and horses and plain else None
