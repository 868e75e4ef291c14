"""One job of ``colourize detect``: finds the boxes of a picture, and writes it with them and a JSON file beside it."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from colourize import files
from colourize.data import read
from colourize.data.boxes.boxed import Found
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError
from colourize.inference import planned, saving
from colourize.inference.detection.detector import Detector
from colourize.inference.photo import Outcome
from colourize.inference.planned import Job
from colourize.present import boxes as drawing

LARGEST = 2_000_000_000  # bytes of standard input
QUALITY = 95  # of JPEG and similar formats
HUES = 0.618034  # the golden ratio: colours of neighbouring classes differ


@dataclass
class Options:
    """The choices of a detection: which boxes are found and how they are written.

    ``least``: lowest score of a box. ``overlap``: see ``Detector``. ``overwrite``: replace existing results.
    ``classes``: those to look for; None for all. ``records``: the boxes found, by the picture's name;
    each job adds to it.
    """

    least: float = 0.3
    overlap: float = 0.65
    overwrite: bool = False
    classes: Sequence[str] | None = None
    records: dict[str, Any] = field(default_factory=dict)


def written(job: Job) -> list[Path]:
    """The files that a job writes: the picture, and ``photo.jpg.json`` beside it."""
    return [] if job.target is None else [job.target, job.target.with_name(f"{job.target.name}.json")]


def run(job: Job, detector: Detector, options: Options) -> Outcome:
    """Runs one job. Errors of the picture or its files become an outcome; any other exception is a bug."""
    try:
        places = written(job)
        planned.check([job], written)
        if places and not options.overwrite and all(path.exists() for path in places):
            return Outcome(job, "already there")
        picture = np.asarray(read.read_rgb(_standard_input() if job.source is None else job.source))
        found = detector(picture, options.least, options.overlap)
        record = described(found, detector.classes, picture.shape[:2], options.classes)
        options.records[job.name] = record
        _write(job, with_boxes(picture, record["boxes"], detector.classes), record)
        return Outcome(job, "done")
    except (UnreadablePicture, InputError) as error:
        return Outcome(job, "failed", str(error))
    except MemoryError:
        return Outcome(job, "failed", "memory ran out; pass a smaller picture")
    except OSError as error:
        return Outcome(job, "failed", f"{files.printable(str(error.filename or job.name))}: {error.strerror or error}")


def described(
    found: Found, names: Sequence[str], size: tuple[int, ...], wanted: Sequence[str] | None = None
) -> dict[str, Any]:
    """The result as plain values: width, height, and boxes with class, score and x1, y1, x2, y2 in pixels."""
    boxes = [
        {"class": names[label], "score": round(score, 4), "box": [round(value, 2) for value in box]}
        for box, score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True)
        if wanted is None or names[label] in wanted
    ]
    return {"width": size[1], "height": size[0], "boxes": boxes}


def with_boxes(picture: np.ndarray, boxes: Sequence[dict[str, Any]], names: Sequence[str]) -> np.ndarray:
    """A picture with its boxes, in a colour for each class, the best on top: uint8 [H, W, 3]."""
    lines = [
        drawing.Drawn(each["box"], colour_of(names.index(each["class"])), f"{each['class']} {each['score']:.2f}")
        for each in reversed(boxes)
    ]
    return drawing.drawn(picture, lines)


def colour_of(label: int) -> drawing.Colour:
    """The colour of a class, 0 to 255."""
    return drawing.hue((0.35 + HUES * label) % 1)


def _write(job: Job, picture: np.ndarray, record: dict[str, Any]) -> None:
    form = "PNG" if job.target is None else saving.format_of(job.target.suffix)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, form, **({} if form in ("PNG", "GIF", "TIFF") else {"quality": QUALITY}))
    if job.target is None:
        sys.stdout.buffer.write(buffer.getvalue())
        sys.stdout.buffer.flush()
        return
    target, beside = written(job)
    target.parent.mkdir(parents=True, exist_ok=True)
    files.replace(target, lambda file: file.write(buffer.getbuffer()))
    files.replace_text(beside, json.dumps(record, indent=1) + "\n")


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise InputError("standard input is closed; pass a file")
    content = sys.stdin.buffer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InputError(f"standard input must have <= {LARGEST:,} bytes")
    return content


def summary(outcomes: Sequence[Outcome], records: dict[str, Any]) -> str:
    """One line: 12 boxes in 5 pictures, 2 already there, 1 failed."""
    count = {status: sum(each.status == status for each in outcomes) for status in ("done", "already there", "failed")}
    boxes = sum(len(record["boxes"]) for record in records.values())
    parts = [f"{boxes} box{'' if boxes == 1 else 'es'} in {count['done']} picture{'' if count['done'] == 1 else 's'}"]
    if count["already there"]:
        parts.append(f"{count['already there']} already there (--overwrite replaces them)")
    if count["failed"]:
        parts.append(f"{count['failed']} failed")
    return ", ".join(parts)
