"""The results of a detector: pictures with boxes for the loggers; files and tables at the end of a run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import Callback

from colourize.config.instantiate import short_name
from colourize.config.options import option
from colourize.data.boxes.boxed import Boxed, Found
from colourize.evaluation.bootstrap import Interval
from colourize.evaluation.detection import outcomes
from colourize.evaluation.detection.matches import matches
from colourize.evaluation.detection.precision import interpolated, intervals, precision
from colourize.files import replace, replace_text
from colourize.present import tables, terminal
from colourize.present.figures import save
from colourize.present.precision_recall import precision_figure
from colourize.tasks.detection.data import DetectionData
from colourize.tasks.detection.module import Detector
from colourize.training.loggers import curves
from colourize.training.outputs import outputs
from colourize.training.task import Fitted

PICTURES = "val/boxes: green found, orange missed, red false"
FILES = "boxes.png", "precision.png", "detection.json", "metrics.csv", "checkpoints/best.ckpt", "checkpoints/last.ckpt"


class BoxPictures(Callback):
    """Shows the same ten evenly spaced validation pictures in each epoch, with the boxes found, missed and false."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.loggers and len(pl_module.found) == len(pl_module.truth):
            sheet = outcomes.examples(pl_module.truth, pl_module.found)
            picture = torch.from_numpy(np.array(sheet)).permute(2, 0, 1) / 255
            curves.log_picture(trainer, PICTURES, picture)


def report(fitted: Fitted[DetectionData, Detector], folder: Path, knobs: dict[str, Any]) -> dict[str, float]:
    """Writes and prints the results of the last validation; returns the summary of the epochs."""
    truth, found = fitted.module.truth, fitted.module.found
    if len(found) == len(truth):  # not when a finished run is resumed
        title = f"{short_name(knobs['model'])}, {option(knobs['data']['_target_'], 'data')}"
        rows = write(folder, title, truth, found)
        curves.log_text(fitted.trainer, "detection", tables.as_markdown(rows))
        confusion = outcomes.confusion_rows(truth, outcomes.confusion(truth, found))
        show(folder, rows, confusion, outputs(fitted.trainer, folder))
    return fitted.table.summary()


def write(folder: Path, title: str, truth: Boxed, found: Sequence[Found]) -> list[list[str]]:
    """Writes ``boxes.png``, ``precision.png`` and ``detection.json``; returns the table of AP."""
    image = Image.fromarray(outcomes.examples(truth, found))
    replace(folder / "boxes.png", lambda file: image.save(file, "PNG"))
    each = [outcomes.curve(one) for one in matches(truth, found)]
    lines = {name: (one.recall, one.precision) for name, one in zip(truth.classes, each, strict=True)}
    save(
        precision_figure({name: line for name, line in lines.items() if len(line[0])}, title), folder / "precision.png"
    )
    measured, ranges = precision(truth, found), intervals(truth, found)
    table = outcomes.confusion(truth, found)
    by_class = {
        name: {"AP": ap, "AP50": ap50, "best score": outcomes.best_score(one), "precision": _at_recalls(one)}
        for name, ap, ap50, one in zip(truth.classes, measured.by_class, measured.by_class50, each, strict=True)
    }
    content = {
        "AP": ranges.ap._asdict(),
        "AP50": ranges.ap50._asdict(),
        "classes": by_class,
        "confusion": {"classes": list(truth.classes), "least score": outcomes.LEAST, "table": table.tolist()},
    }
    replace_text(folder / "detection.json", json.dumps(_without_nan(content), indent=1) + "\n")
    rows = [["", "AP", "AP50"], ["all", _text(ranges.ap), _text(ranges.ap50)]]
    return [*rows, *([name, f"{one['AP']:.3f}", f"{one['AP50']:.3f}"] for name, one in by_class.items())]


def _at_recalls(curve: outcomes.Curve) -> list[float]:
    """The highest precision at each of the recalls 0, 0.01, ... 1 or a higher one; empty without true boxes."""
    if np.isnan(curve.recall).any():
        return []
    return [round(each, 4) for each in interpolated(curve.recall, curve.precision).tolist()]


def _without_nan(value: Any) -> Any:
    """Plain values with None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value


def _text(value: Interval) -> str:
    return f"{value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]"


def show(folder: Path, rows: list[list[str]], confusion: list[list[str]], others: list[tuple[str, str]]) -> None:
    """Prints the table of AP, the confusion table, the files of the run and ``others``."""
    console = terminal.console()
    console.print(tables.as_text(rows))
    console.print(f"\nboxes with a score of at least {outcomes.LEAST}:")
    console.print(tables.as_text(confusion))
    console.print()
    for name in FILES:
        console.print(f"{name.partition('/')[2] or name:14} {folder / name}")
    for name, command in others:
        console.print(f"{name:14} {command}", soft_wrap=True)
