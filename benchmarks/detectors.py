"""Measures one detector on several versions of the same pictures with boxes, such as benchmarks/versions.py writes.

python benchmarks/detectors.py MODEL VERSION [VERSION ...] [--json FILE] [--sheet FILE]

MODEL is what ``colourize detect --model`` takes. Each VERSION is a folder for ``data=boxes``; its pictures to validate
are measured. The table gives AP and AP50 with 95 % intervals over pictures, and the differences of AP from the first
two versions on the same pictures. The classes of the folder that the detector does not know count as missed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from colourize.data.boxes import load
from colourize.data.boxes.boxed import Boxed, Found
from colourize.evaluation.bootstrap import Interval
from colourize.evaluation.detection import outcomes
from colourize.evaluation.detection.precision import difference, intervals, precision
from colourize.files import replace, replace_text
from colourize.inference.detection.detector import Detector, of_classes
from colourize.inference.detection.opening import opened
from colourize.present import tables

LEAST = 0.01  # lowest score of a box that counts
COMPARED = 2  # the first versions, from which the others' differences are shown


def found_in(detector: Detector, truth: Boxed) -> list[Found]:
    """What a detector finds in each picture, of the classes of the truth."""
    results = (detector(truth.picture(index), LEAST) for index in range(len(truth)))
    return [of_classes(found, detector.classes, truth.classes) for found in results]


def measured(detector: Detector, folders: Sequence[Path], sheet: Path | None = None) -> dict[str, dict[str, Any]]:
    """The measures of each version by the name of its folder."""
    before: dict[str, list[Found]] = {}
    results: dict[str, dict[str, Any]] = {}
    for folder in folders:
        truth = load(folder).validation
        found = found_in(detector, truth)
        ap, ap50 = intervals(truth, found)
        by_class = precision(truth, found).by_class.tolist()
        results[folder.name] = {"AP": ap, "AP50": ap50, "by class": dict(zip(truth.classes, by_class, strict=True))}
        for name, other in before.items():
            results[folder.name][f"minus {name}"] = difference(truth, found, other)[0]
        if len(before) < COMPARED:
            before[folder.name] = found
        if sheet is not None:
            image = Image.fromarray(outcomes.examples(truth, found))
            target = sheet.with_stem(f"{sheet.stem}-{folder.name}")
            replace(target, lambda file, image=image: image.save(file, "PNG"))
    return results


def rows(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The table as text."""
    classes = next(iter(results.values()))["by class"]
    compared = [f"minus {name}" for name in [*results][:COMPARED]]
    lines = [["version", "AP", "AP50", *(f"AP {name}" for name in compared), *classes]]
    for name, each in results.items():
        differences = [text(each[name], "+") if name in each else "" for name in compared]
        lines.append([name, text(each["AP"]), text(each["AP50"]), *differences,
                      *(f"{value:.3f}" for value in each["by class"].values())])  # fmt: skip
    return lines


def text(value: Interval, sign: str = "") -> str:
    """An estimate with its interval: 0.387 [0.342, 0.471]."""
    estimate, low, high = (format(part, f"{sign}.3f") for part in value)
    return f"{estimate} [{low}, {high}]"


def main() -> None:
    """The command of this file."""
    parser = argparse.ArgumentParser(description="Measures a detector on versions of the same pictures.")
    parser.add_argument("model", help="as colourize detect --model")
    parser.add_argument("versions", type=Path, nargs="+", metavar="VERSION", help="a folder of pictures with boxes")
    parser.add_argument("--size", type=int, help="longer side of the network's input")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="pictures with boxes, a sheet for each version")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results = measured(opened(given.model, side=given.size), given.versions, given.sheet)
    print(tables.as_text(rows(results)))
    if given.json is not None:
        replace_text(given.json, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
