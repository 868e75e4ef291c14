"""Measures a sweep of fine-tuned detectors: AP by version of the pictures and by frozen parts, over seeds.

python benchmarks/fine_tuned.py SWEEP [--on VERSION ...] [--json FILE]

SWEEP is a folder of runs of ``experiment=detector``. Each is measured on the pictures that validated it, or on those of
``--on`` (folders that ``benchmarks/versions.py`` has written). A line of the table has the mean of AP over seeds, its
standard deviation over seeds, and its 95 % interval over pictures; differences are on the same resamples.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.detectors import found_in, text
from colourize.data.boxes import load
from colourize.evaluation.bootstrap import Interval, percentile_interval
from colourize.evaluation.detection.precision import RESAMPLES, Array, resampled, resampled_counts
from colourize.files import replace_text
from colourize.inference.detection.opening import opened
from colourize.present import tables
from colourize.runs import manifest

COMPARED = "colour", "grey"


class Key(NamedTuple):
    """What the runs of a line share: names of versions, and of the frozen parts."""

    frozen: str
    trained: str
    tested: str


class Line(NamedTuple):
    """AP and AP50 of several seeds: float64 [S, 1 + R], the whole pictures first, then R resamples."""

    ap: Array
    ap50: Array


def measured(sweep: Path, tested: Sequence[Path] = ()) -> dict[Key, Line]:
    """The finished runs of a sweep, grouped by all but the seed."""
    found: dict[Key, list[tuple[Array, Array]]] = {}
    for folder in sorted(file.parent for file in sweep.rglob(manifest.NAME)):
        stored = manifest.read(folder)
        if stored.get("status") != "finished":
            continue
        detector, own = opened(folder / "checkpoints/last.ckpt"), Path(stored["config"]["data"]["root"])
        for root in tested or [own]:
            key = Key("+".join(stored["config"]["freeze"] or ["nothing"]), own.name, root.name)
            truth = load(root).validation
            counts = np.concatenate((np.ones((1, len(truth))), resampled_counts(len(truth), RESAMPLES, seed=0)))
            found.setdefault(key, []).append(resampled(truth, found_in(detector, truth), counts))
    return {key: Line(*map(np.stack, zip(*found[key], strict=True))) for key in sorted(found)}


def interval(values: Array) -> Interval:
    """The mean over seeds with its interval over pictures: [S, 1 + R]."""
    mean = values.mean(axis=0)
    return percentile_interval(float(mean[0]), torch.from_numpy(mean[1:][np.isfinite(mean[1:])]))


def minus(key: Key, name: str, lines: dict[Key, Line]) -> Interval | None:
    """AP minus that on another version: of runs trained and tested there, or of the same runs tested there."""
    other = key._replace(tested=name, **({} if key.trained != key.tested else {"trained": name}))
    other = other if other in lines else key._replace(tested=name)
    if other == key or other not in lines or len(lines[other].ap) != len(lines[key].ap):
        return None
    return interval(lines[key].ap - lines[other].ap)


def rows(lines: dict[Key, Line]) -> list[list[str]]:
    """The table as text."""
    table = [
        [
            "frozen",
            "trained on",
            "tested on",
            "seeds",
            "AP",
            "sd over seeds",
            "AP50",
            *(f"AP minus {name}" for name in COMPARED),
        ]
    ]
    for key, line in lines.items():
        spread = f"{line.ap[:, 0].std(ddof=1):.3f}" if len(line.ap) > 1 else ""
        differences = [minus(key, name, lines) for name in COMPARED]
        table.append([*key, str(len(line.ap)), text(interval(line.ap)), spread, text(interval(line.ap50)),
                      *("" if each is None else text(each, "+") for each in differences)])  # fmt: skip
    return table


def main() -> None:
    """The command of this file."""
    parser = argparse.ArgumentParser(description="Measures a sweep of fine-tuned detectors.")
    parser.add_argument("sweep", type=Path, help="a folder of runs")
    parser.add_argument(
        "--on", type=Path, nargs="+", default=[], metavar="VERSION", help="test on these (default: own)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    torch.set_num_threads(1)
    lines = measured(given.sweep, given.on)
    print(tables.as_markdown(rows(lines)))
    if given.json is not None:
        content: list[dict[str, Any]] = [
            {
                **key._asdict(),
                "AP of seeds": line.ap[:, 0].tolist(),
                "AP": interval(line.ap),
                "AP50": interval(line.ap50),
            }
            for key, line in lines.items()
        ]
        replace_text(given.json, json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
