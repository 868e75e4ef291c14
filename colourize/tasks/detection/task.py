"""Detection as a task: from pictures to boxes with classes."""

import importlib.util
from typing import Any

from colourize.config.instantiate import builder
from colourize.errors import InputError, to_install
from colourize.tasks.detection import results, starting
from colourize.tasks.detection.data import DetectionData, late_epoch, load
from colourize.tasks.detection.module import Detector
from colourize.training.metrics import Metrics
from colourize.training.task import Task

STRIDE = 32  # sides must be multiples of it
METRICS = Metrics(
    columns=("train/loss", "train/box", "train/object", "train/class", "val/loss", "val/AP", "val/AP50"),
    line=("train/loss", "val/loss", "val/AP", "val/AP50"),
    decides="val/AP",
    highest=True,
    speed="images_per_second",
)


def module(knobs: dict[str, Any], data: DetectionData) -> Detector:
    """The network of the knobs for the classes of the data, with optimizer and schedule."""
    network = builder("model", knobs["model"])(num_classes=len(data.boxed.classes))
    scheduler = builder("scheduler", knobs["scheduler"]) if knobs["scheduler"] else None
    return Detector(network, knobs, data.truth, late_epoch(knobs), builder("optimizer", knobs["optimizer"]), scheduler)


def check(knobs: dict[str, Any], data: DetectionData, built: Detector) -> None:
    """Raises InputError if the strides of the network do not divide the side, or average precision is not installed."""
    side = knobs["image_size"]
    if side % STRIDE:
        raise InputError(
            f"image_size must be a multiple of {STRIDE}, got {side}; pass {max(1, round(side / STRIDE)) * STRIDE}"
        )
    if importlib.util.find_spec("pycocotools") is None:
        raise InputError(f"task=detection requires pycocotools: {to_install('detection')}")


TASK: Task[DetectionData, Detector] = Task(
    data=load,
    fingerprint=lambda data: data.fingerprint,
    module=module,
    check=check,
    begin=starting.begin,
    callbacks=lambda knobs: [results.BoxPictures()],
    metrics=METRICS,
    name="detection",
    report=results.report,
    other_data="other pictures or boxes than the present ones; pass data.root=DIR with those, or start a new run",
)
