"""The table of tasks: all that other packages know of a task before its own package is imported. Pure Python."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """One task.

    Attributes:
        home: the module with its ``TASK``; ``conf/task/NAME.yaml`` has its defaults.
        own: options that only this task takes, by group.
        shared: options of other tasks that it takes too, by group. In a group that is in neither it takes all.
        comments: comments of knobs that mean something else with this task.
    """

    home: str
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


COLOURIZATION, DETECTION = "colourization", "detection"
TASKS = {
    COLOURIZATION: Entry("colourize.tasks.colourization.task"),
    DETECTION: Entry(
        "colourize.tasks.detection.task",
        own={"model": ("torchvision_detector", "yolov3", "yolox"), "data": ("boxes",), "augment": ("mosaic",)},
        shared={"data": ("scenes",), "augment": ("none",), "loss": ("cross_entropy",)},
        comments={
            "model": "yolox (small for data=scenes, otherwise yolox_nano) | yolox_nano | yolox_tiny | yolov3 | "
            "torchvision_detector, with model.name=NAME",
            "data": "scenes (drawn, no download) | boxes data.root=DIR (COCO JSON, VOC XML or YOLO text)",
            "augment": "none | mosaic, with augment.share=SHARE, augment.flip=false and others of "
            "conf/augment/mosaic.yaml",
            "classes": "of scenes: the landscapes; of boxes: the classes by name; or all",
            "image_size": "side of the squares into which pictures fit, a multiple of 32",
            "init_from": "coco (published weights, downloaded once), a file of them (.pth, .onnx), or a checkpoint; "
            "the head keeps the rows of classes of the same name",
        },
    ),
}
"""Colourization, the first, is the default and takes every option that no other task has for its own."""


def tasks_with(group: str, name: str) -> tuple[str, ...]:
    """The tasks that take an option of a group."""
    owners = tuple(task for task, entry in TASKS.items() if name in entry.own.get(group, ()))
    return owners or tuple(task for task, entry in TASKS.items() if _takes(entry, group, name))


def _takes(entry: Entry, group: str, name: str) -> bool:
    return group not in {*entry.own, *entry.shared} or name in entry.shared.get(group, ())
