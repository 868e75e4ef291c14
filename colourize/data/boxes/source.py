"""Any folder of pictures with boxes as a data source: COCO JSON, Pascal VOC XML or YOLO text files.

The format is recognised by the files; ``test`` validates where there is no ``val``. Without either, a share of the
pictures validates. Faults are counted and named in a table of the log; boxes and pictures beyond repair are left out.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from colourize.config import knobs
from colourize.data.boxes import coco, voc, yolo
from colourize.data.boxes.boxed import Boxed, Splits
from colourize.data.boxes.checked import checked
from colourize.data.boxes.raw import Faults, RawPicture, RawSource
from colourize.data.classes import selected_classes
from colourize.data.pictures import held_out
from colourize.data.splits import DEFAULT_HOLDOUT, log_unread
from colourize.errors import InputError
from colourize.files import expanded, looked_at
from colourize.present import tables

log = logging.getLogger(__name__)
FORMATS = {"coco": coco, "voc": voc, "yolo": yolo}


def load(
    root: str | Path,
    classes: str | int | Sequence[str | int] = "all",
    holdout: float = 0.0,
    format: str = "auto",
) -> Splits:
    """The training and validation pictures with boxes of a folder.

    Args:
        root: the folder.
        classes: 'all', or the names or indices of those to use; boxes of others are left out.
        holdout: > 0: this share of the training pictures validates; without other pictures to validate 0 means 0.1. A
            picture's side depends only on its own bytes.
        format: auto, coco, voc or yolo.

    Raises:
        InputError: a folder without boxes of a known format, a split without a usable picture, or a bad setting.
    """
    knobs.check_ranges(holdout=holdout)
    faults = Faults()
    root = expanded(root)
    found = read(root, faults, format)
    if not found.classes:
        raise InputError(f"data.root={root} has no boxes with a class; pass a folder of pictures with boxes")
    training, validating = _sides(found, holdout)
    if holdout and found.splits.get("train") and found.splits.get("val"):
        log_unread(f"the split val of {root}", holdout)
    train = checked(root, training, found.classes, faults)
    validation = checked(root, validating, found.classes, faults)
    log_faults(root, faults)
    if not validating and len(train) > 1:
        train, validation = _held_out(train, holdout or DEFAULT_HOLDOUT)
    splits = Splits(selected(train, classes), selected(validation, classes))
    for name, split in zip(("train", "validate"), splits, strict=True):
        if not any(map(len, split.boxes)):
            raise InputError(
                f"data.root={root} has {len(split)} pictures and no usable box to {name}; "
                "repair the files that the log names, or pass another folder"
            )
    log.info("boxes: %d to train, %d to validate", *(sum(map(len, split.boxes)) for split in splits))
    return splits


def read(root: Path, faults: Faults, format: str = "auto") -> RawSource:
    """The unchecked pictures and boxes of a folder.

    Raises:
        InputError: no folder, or no boxes of a known format.
    """
    if format not in ("auto", *FORMATS):
        raise InputError(f"data.format must be auto, {', '.join(FORMATS)}, got {format!r}")
    if not root.is_dir():
        raise InputError(f"data.root={root} is not a folder{looked_at(root)}; pass data.root=DIR")
    for name, module in FORMATS.items():
        if format == name or (format == "auto" and module.recognised(root)):
            return module.read(root, faults)
    raise InputError(
        f"data.root={root} has no boxes: neither a COCO .json, nor .xml files of VOC, nor .txt files of YOLO; pass "
        "another folder, or see docs/detection.md"
    )


def log_faults(root: Path, faults: Faults) -> None:
    """Logs a short table of the faults, if there are any."""
    if faults.counts:
        log.warning("faults of the boxes in %s:\n%s", root, tables.as_text(faults.rows()))


def selected(boxed: Boxed, classes: str | int | Sequence[str | int]) -> Boxed:
    """The pictures with the boxes of the chosen classes only.

    Raises:
        InputError: an unknown class.
    """
    chosen = selected_classes(classes, boxed.classes)
    if len(chosen) == len(boxed.classes):
        return boxed
    boxes, labels, crowds = [], [], []
    for index in range(len(boxed)):
        kept = [row for row, label in enumerate(boxed.labels[index].tolist()) if label in chosen]
        boxes.append(boxed.boxes[index][kept])
        labels.append(boxed.labels[index][kept].apply_(chosen.index))
        crowds.append(boxed.crowd(index)[kept])
    names = tuple(boxed.classes[index] for index in chosen)
    return Boxed(boxed.pictures, boxes, labels, names, boxed.sizes, crowds)


def _sides(found: RawSource, holdout: float) -> tuple[list[RawPicture], list[RawPicture]]:
    """The pictures to train and to validate; none to validate where a share of the training pictures does."""
    training = [*found.splits.get("train", []), *found.splits.get("", [])]
    validating = found.splits.get("val") or found.splits.get("test") or []
    if not training:
        return validating, []
    return training, [] if holdout else validating


def _held_out(boxed: Boxed, share: float) -> tuple[Boxed, Boxed]:
    contents = [path.read_bytes() for path in boxed.pictures if isinstance(path, Path)]
    validates = held_out(contents, share).tolist()
    sides = ([index for index, side in enumerate(validates) if side == wanted] for wanted in (False, True))
    train, validation = (boxed.chosen(side) for side in sides)
    return train, validation
