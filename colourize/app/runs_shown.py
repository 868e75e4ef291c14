"""The content of the tab of runs, as HTML. All texts of run folders are escaped: strangers may have written them."""

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colourize.errors import shown
from colourize.present.html import Cell, Grid, Line, labelled, render
from colourize.present.terminal import cleaned
from colourize.report import charts, strips
from colourize.report.canvas import Axis, limits
from colourize.report.charts import Curve, Level
from colourize.report.columns import ACCURACY, LOSS, OF_PICTURES, SKILL, Column, around, of_row
from colourize.report.document import Chart
from colourize.report.records import Record
from colourize.report.statistics import Band
from colourize.runs.listing import Run

MOST = 100  # runs in the list, the latest
MOST_WORDS = 160  # letters of a run's overrides
COLUMNS = LOSS, ACCURACY, SKILL, *OF_PICTURES[:4]
STATES = {"running": "running", "finished": "finished", "failed": "failed", "killed": "failed", "pruned": "pruned"}
_drawing = threading.Lock()  # matplotlib draws in one thread at a time


@dataclass(frozen=True)
class Row:
    """A line of the list. ``name``: its folder from the folder of runs; ``kind``: of its state's colour."""

    name: str
    words: str
    state: str
    kind: str
    epochs: str
    best: str
    last: str


def row(run: Run, home: Path, shared: Collection[str] = ()) -> Row:
    """A line of the list for a run below ``home``, without the overrides that all runs share."""
    words = shown(" ".join(cleaned([*run.labels, *(word for word in run.overrides if word not in shared)])), MOST_WORDS)
    best, last = (
        "" if loss is None else f"{loss:.4f}" if abs(loss) < 1e4 else f"{loss:.3g}" for loss in (run.best, run.last)
    )
    state = cleaned(run.state)
    epochs = f"{run.epochs} of {run.max_epochs}" if run.max_epochs else f"{run.epochs}"
    return Row(name_of(run, home), words, state, STATES.get(state, "other"), epochs, best, last)


def name_of(run: Run, home: Path) -> str:
    """The name of a run on the page: its folder from the folder of runs."""
    relative = str(Path(run.folder).relative_to(home))
    return str(cleaned(home.name if relative == "." else relative))


def listed(runs: Sequence[Run], home: Path, chosen: str) -> str:
    """The list of runs as HTML, the latest first."""
    shared = set.intersection(*(set(run.overrides) for run in runs)) if len(runs) > 1 else set()
    rows = [row(run, home, shared) for run in reversed(runs[-MOST:])]
    return _inert(
        render("runs_list.html.j2", runs=rows, folder=str(home), chosen=chosen, left_out=max(0, len(runs) - MOST))
    )


def one(record: Record, run: Row) -> str:
    """A run's curves, pictures, floors and ceilings as HTML."""
    found = strips.read(record.folder)
    with _drawing:
        drawn = [chart for column in (LOSS, ACCURACY) if (chart := curves(record, column))]
    filters: dict[str, Callable[..., Any]] = {"labelled": labelled, "address": strips.address}
    return _inert(
        render(
            "runs_one.html.j2", filters, run={**vars(run), "error": "" if run.state == "finished" else record.error},
            charts=drawn, strips=dict(zip(("grey", "true", "coloured"), found, strict=True)) if found else {},
            grid=bounds(record),
        )
    )  # fmt: skip


def curves(record: Record, column: Column) -> Chart | None:
    """A measure of validation and training over epochs, with the nearest floors and ceilings; None without values."""
    key = column.key.removeprefix("val/")
    lines, name = [], column.title.removeprefix("validation ")
    for number, (part, word) in enumerate((("val", "validation"), ("train", "training"))):
        known = {int(row["epoch"]) + 1: row[f"{part}/{key}"] for row in record.epochs if f"{part}/{key}" in row}
        if known:
            epochs, values = np.array(sorted(known)), column.scale * np.array([known[epoch] for epoch in sorted(known)])
            lines.append(Curve(word, Band(epochs, values, np.full(len(values), np.nan)), number))
    if not lines:
        return None
    levels = _levels(record, column, [value for line in lines for value in line.band.mean])
    ends = limits([value for line in lines for value in line.band.mean], [level.value for level in levels], times=3)
    unit = f"{name} (nats/pixel)" if column is LOSS else name.replace(", %", " (%)")
    axis = Axis("epoch", unit, limits=ends if column is LOSS else None)
    last = ", ".join(f"{line.name} {line.band.mean[-1]:.{column.digits}f}" for line in lines)
    caption = f"{unit.capitalize()} after epoch {int(lines[0].band.epochs[-1])}: {last}."
    return Chart(name, charts.curves(lines, levels, [], axis), caption)


def _levels(record: Record, column: Column, values: Sequence[float]) -> list[Level]:
    low, high = min(values), max(values)
    room = max(high - low, 0.25 * abs(high))
    found = {name: row for part in around(record) for name, row in part.items() if row.get("cross_entropy")}
    levels = [Level(name, column.scale * row[column.of_rows]) for name, row in found.items() if column.of_rows in row]
    return [level for level in levels if low - room < level.value < high + room][:3]


def bounds(record: Record) -> Grid | None:
    """The floors, the network and the ceilings as a table; None before the run has computed them."""
    if not record.rows:
        return None
    columns = [column for column in COLUMNS if any(column.of_rows in row for row in record.rows.values())]
    floors, ceilings = around(record)
    kinds = {**dict.fromkeys(floors, "floor"), **dict.fromkeys(ceilings, "ceiling"), record.model: "model"}
    lines = [
        Line(kinds.get(name, ""), Cell(name, kinds.get(name, "").replace("model", "this network")),
             [Cell(of_row(row, column)) for column in columns])
        for name, row in record.rows.items()
    ]  # fmt: skip
    head = ["predictor", *(column.title.replace("validation loss", "cross-entropy") for column in columns)]
    return Grid(head, [True] + [False] * len(columns), lines)


def _inert(page: str) -> str:
    """HTML without the marks of Gradio's two kinds of templates, which it fills in the browser."""
    return page.replace("${", "&#36;{").replace("{{", "&#123;&#123;").replace("@children", "&#64;children")
