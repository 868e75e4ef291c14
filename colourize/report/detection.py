"""The part of a page about detectors: AP by class, precision and recall, confused classes, pictures with boxes.

A run's ``detection.json`` and ``boxes.png`` may be a stranger's: entries of another form are left out.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colourize import files
from colourize.data.read import read_rgb
from colourize.errors import one_line
from colourize.present.terminal import cleaned
from colourize.report import charts
from colourize.report.canvas import MOST_SERIES, Axis
from colourize.report.charts import Curve
from colourize.report.columns import AP, cell, ranked
from colourize.report.document import Chart, Heading, Part, Pictures, Table, Text
from colourize.report.settings import Report, Setting
from colourize.report.statistics import Band, spread
from colourize.runs.whole import is_finite

log = logging.getLogger(__name__)
NAME, SHEET = "detection.json", "boxes.png"
SHOWN = 4  # settings with curves and pictures of their own, the best ones
MOST_CLASSES, MOST_PIXELS = 200, 1 << 25
RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Found:
    """The values in ``detection.json`` of a run.

    ``classes``: in the order of the table. ``ap``, ``precision``: by class; the latter at the recalls 0, 0.01, ... 1,
    float64 [101]. ``confusion``: rows of counts, of true classes and of no object, by the class found and by missed.
    ``least``: the score from which boxes count in it.
    """

    classes: list[str]
    ap: dict[str, float]
    precision: dict[str, np.ndarray]
    confusion: list[list[int]]
    least: float


def read(folder: Path) -> Found | None:
    """The measures of a run folder; None if it has none, or in another form, which is logged."""
    file = folder / NAME
    try:
        return _found(cleaned(files.read_json(file)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        log.warning("%s cannot be read (%s) and is left out", file, one_line(error)[:120])
        return None


def _found(content: Any) -> Found:
    classes, table = content["classes"], content["confusion"]["table"]
    names = content["confusion"]["classes"]
    if (
        not 0 < len(names) <= MOST_CLASSES
        or set(names) != set(classes)
        or not is_finite(content["confusion"]["least score"])
    ):
        raise ValueError("other classes")
    if [len(row) for row in table] != [len(names) + 1] * (len(names) + 1):
        raise ValueError("a confusion table of another size")
    counts = [[int(count) for count in row] for row in table]
    curves = {name: np.asarray(classes[name].get("precision") or [], float) for name in names}
    if any(len(each) not in (0, len(RECALLS)) or not np.isfinite(each).all() for each in curves.values()):
        raise ValueError("a curve of another length")
    known = {name: float(value) for name in names if (value := classes[name]["AP"]) is not None and is_finite(value)}
    return Found([*map(str, names)], known, {name: each for name, each in curves.items() if len(each)}, counts,
                 float(content["confusion"]["least score"]))  # fmt: skip


def shown(report: Report) -> list[Part]:
    """The parts of the page about detectors; none if no run is one."""
    runs = {id(run): read(run.folder) for each in report.settings for run in each.runs if AP.key in run.finals}
    settings = [each for each in report.settings if any(runs.get(id(run)) for run in each.runs)]
    if not settings:
        return []
    best = [each for each in ranked(settings, AP) if runs.get(id(each.runs[0]))][:SHOWN]
    parts: list[Part] = [Heading("Objects found"), Table(_by_class(settings, runs))]
    of_best = (
        "" if len(settings) == 1 else f" Of the {len(best)} settings with the highest AP, the run with the lowest seed."
    )
    parts.append(Text(f"AP by class.{of_best} Precision and recall are those at an IoU of at least 0.5."))
    parts += [chart for number, each in enumerate(best, 1) if (chart := _curves(each, runs[id(each.runs[0])], number))]
    parts += [_confusion(each, runs[id(each.runs[0])], len(best) > 1) for each in best]
    sheets = {each.label: sheet for each in best if (sheet := _sheet(each.runs[0].folder / SHEET)) is not None}
    if sheets:
        parts += [
            Text("Validation pictures: green boxes were found, orange ones missed, red ones are false."),
            Pictures(sheets),
        ]
    return parts


def _by_class(settings: Sequence[Setting], runs: dict[int, Found | None]) -> list[list[str]]:
    """AP of each class, mean ± sd over seeds."""
    known = {each.label: [found for run in each.runs if (found := runs.get(id(run)))] for each in settings}
    names = list(dict.fromkeys(name for found in known.values() for one in found for name in one.ap))
    rows = [
        [label, *(cell(spread([one.ap[name] for one in found if name in one.ap]), AP, len(found)) for name in names)]
        for label, found in known.items()
    ]
    return [["", *names], *rows]


def _curves(setting: Setting, found: Found | None, number: int) -> Chart | None:
    """Precision against recall, a line for each class; the first classes only if there are many."""
    if found is None or not found.precision:
        return None
    absent = np.full(len(RECALLS), np.nan)
    some = list(found.precision.items())[:MOST_SERIES]
    lines = [Curve(name, Band(RECALLS, values, absent), place) for place, (name, values) in enumerate(some)]
    rest = f" The first {len(some)} of {len(found.precision)} classes." if len(found.precision) > len(some) else ""
    svg = charts.lines(lines, Axis("recall", "precision", limits=(0, 1.02)))
    return Chart(f"precision-{number}", svg, f"Precision against recall: {setting.label}.{rest}")


def _confusion(setting: Setting, found: Found | None, folded: bool) -> Table:
    """Counts of true boxes (rows) by the class found there (columns)."""
    assert found is not None
    names = [*found.classes, "nothing there"]
    rows = [[name, *map(str, row)] for name, row in zip(names, found.confusion, strict=True)]
    rows[-1][-1] = ""
    title = f"Confused classes: {setting.label} (boxes with a score of at least {found.least:g})"
    return Table([["true / found", *found.classes, "missed"], *rows], long=title if folded else "")


def _sheet(file: Path) -> np.ndarray | None:
    """The pictures with boxes of a run: uint8 [H, W, 3]; None if they are missing or damaged."""
    try:
        return np.asarray(read_rgb(file, max_pixels=MOST_PIXELS)) if file.is_file() else None
    except Exception as error:  # Pillow raises many kinds on a damaged file
        log.warning("%s cannot be read (%s) and is left out", file, one_line(error))
        return None
