"""Writes an evaluation: tables for the terminal, a self-contained HTML page, JSON, Markdown."""

import base64
import io
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch import Tensor

from colourize.evaluation.bootstrap import Interval
from colourize.evaluation.measures import CEILING, DECODING, FLOOR, MEASURES, MODEL, Measure, Row, difference
from colourize.evaluation.yardstick import TABLE
from colourize.files import replace_text
from colourize.present import html
from colourize.present import tables as text_tables
from colourize.present.figures import reliability_figure, scatter_figure, strip_figure

CLASSES = "cross_entropy", "skill", "top1", "top5", "ece"
PICTURES = tuple(key for key in MEASURES if key not in CLASSES)
ABSENT = "-"
NARROWEST, ROOMY = 80, 130  # characters: the smallest width of a table; the width from which intervals are shown
LONGEST = 28  # characters of a name on one line
MOST_PAIRED = 6  # models; if there are more, each is compared with the best one only


def shown(interval: Interval | None, measure: Measure) -> tuple[str, str]:
    """Estimate and interval as text; a dash if the measure does not apply, "none" if it has no number."""
    if interval is None:
        return ABSENT, ""
    if not math.isfinite(interval.estimate):
        return "none", ""
    estimate, low, high = (f"{measure.scale * value:.{measure.digits}f}" for value in interval)
    return estimate, "" if math.isnan(interval.low) else f"{low} to {high}"


def print_tables(rows: Sequence[Row], title: str, console: Console) -> None:
    """Prints tables of classes and pictures that fit the terminal; with 95 % intervals on a wide one."""
    width = widened(console)
    for part, keys in (("colour classes", CLASSES), ("pictures", PICTURES)):
        keys, lines = _of_table(rows, keys)
        heading = f"{title}: {part}"
        for some in _fitting(keys, lines, width):
            console.print(table_of(lines, some, heading, intervals=width >= ROOMY))
            console.print()
            heading = ""


def widened(console: Console) -> int:
    """Makes a console wide enough for a table; returns its width in characters."""
    console.width = max(NARROWEST, console.width)
    return console.width


def table_of(rows: Sequence[Row], keys: Sequence[str], title: str = "", intervals: bool = False) -> Table:
    """One table of measures: floors, models, ceilings. Long names break between words."""
    lines = []
    for row, following in itertools.zip_longest(rows, rows[1:]):
        cells = [(row.name, row.kind), *(shown(row.intervals.get(key), MEASURES[key]) for key in keys)]
        last = following is not None and following.kind != row.kind and following.kind != DECODING
        lines.append(text_tables.Line(cells, row.kind == MODEL, last))
    return text_tables.sectioned(title, ["", *map(_heading, keys)], lines, LONGEST, intervals)


def _heading(key: str) -> str:
    """The name of a measure, with its unit on a second line."""
    return MEASURES[key].title.replace(", ", "\n")


def _fitting(keys: Sequence[str], rows: Sequence[Row], width: int) -> list[list[str]]:
    """The columns of several tables, each at most ``width`` characters wide, in order."""
    found: list[list[str]] = []
    for key in keys:
        table = table_of(rows, [*(found[-1] if found else []), key], intervals=width >= ROOMY)
        if not found or text_tables.width_of(table) > width:
            found.append([])
        found[-1].append(key)
    return found


def _of_table(rows: Sequence[Row], keys: Sequence[str]) -> tuple[tuple[str, ...], list[Row]]:
    """Columns and rows of a table, without measures that only ceilings have; decodings only for pictures."""
    known = {
        key
        for row in rows
        for key, interval in row.intervals.items()
        if row.kind != CEILING and math.isfinite(interval.estimate)
    }
    columns = tuple(key for key in keys if key in known)
    return columns, [row for row in rows if row.kind != DECODING or keys[0] not in CLASSES]


def comparisons(rows: Sequence[Row], key: str = "cross_entropy") -> list[str]:
    """Sentences that compare pairs of models, and each model with the look-up table, by paired bootstrap."""
    models = [row for row in rows if row.kind == MODEL and MEASURES[key].columns[0] in row.columns]
    tables = {row.palette: row for row in rows if row.kind == FLOOR and row.name.startswith(TABLE)}
    models.sort(key=lambda row: row.intervals[key].estimate, reverse=MEASURES[key].better == "higher")
    pairs = [(a, b) for a, b in itertools.combinations(models, 2) if a.palette == b.palette]
    if len(models) > MOST_PAIRED:
        pairs = [pair for pair in pairs if pair[0] is models[0]]
    against = [(row, tables[row.palette]) for row in models]
    return [_comparison(first, second, key) for first, second in pairs + against]


def _comparison(first: Row, second: Row, key: str) -> str:
    measure = MEASURES[key]
    interval = difference(first, second, key)
    assert interval is not None
    estimate, low, high = (measure.scale * value for value in interval)
    if measure.better == "lower":
        estimate, low, high = -estimate, -high, -low
    if first.columns[measure.columns[0]].equal(second.columns[measure.columns[0]]):
        return f"{first.name} and {second.name} are equal on every picture in {measure.title}"
    if math.isnan(estimate):
        return f"{first.name} and {second.name} cannot be compared: one has no {measure.title}"
    if math.isnan(low):
        return f"{first.name} and {second.name}: one picture gives no interval: {estimate:.{measure.digits}f}"
    if estimate < 0:
        first, second, estimate, low, high = second, first, -estimate, -high, -low
    figures = (
        f"{estimate:.{measure.digits}f} [{low:.{measure.digits}f} to {high:.{measure.digits}f}] in {measure.title}"
    )
    if not (low > 0 or high < 0):
        return f"{first.name} and {second.name} do not differ significantly: {figures}"
    return f"{first.name} is better than {second.name} by {figures}"


def as_json(rows: Iterable[Row]) -> str:
    """All estimates with intervals: {row: {measure: [estimate, low, high]}}; null for a missing number."""
    figures = {
        row.name: {
            key: [value if math.isfinite(value) else None for value in interval]
            for key, interval in row.intervals.items()
        }
        for row in rows
    }
    return json.dumps(figures, indent=1, allow_nan=False)


def as_markdown(rows: Sequence[Row]) -> str:
    """All estimates as a Markdown table: a row for each predictor, a column for each measure."""
    keys, _ = _of_table(rows, tuple(MEASURES))
    lines = [["", *(MEASURES[key].title for key in keys)]]
    lines += [[row.name, *(shown(row.intervals.get(key), MEASURES[key])[0] for key in keys)] for row in rows]
    return text_tables.as_markdown(lines)


def write_page(
    path: Path,
    title: str,
    note: str,
    rows: Sequence[Row],
    sentences: Sequence[str],
    strip: Mapping[str, Tensor],
    true_colourfulness: float,
) -> None:
    """Writes one self-contained HTML file: tables with intervals, the same pictures by every row, figures."""
    bins = {row.name: row.columns["bins"].sum(0) for row in rows if "bins" in row.columns and row.kind != CEILING}
    points = {row.name: (row.intervals["colourfulness"].estimate, row.intervals["ciede2000"].estimate) for row in rows}
    figures = [
        ("The same pictures by every row", strip_figure(strip), "wide"),
        ("Calibration: accuracy against confidence", reliability_figure(bins), ""),
        ("Colourfulness against error", scatter_figure(points, true_colourfulness), ""),
    ]
    tables = [("Colour classes", _grid(rows, CLASSES)), ("Pictures", _grid(rows, PICTURES))]
    shown_figures = [_figure(caption, figure, kind) for caption, figure, kind in figures]
    text = html.render(
        "evaluation.html.j2", title=title, note=note, tables=tables, sentences=sentences, figures=shown_figures
    )
    replace_text(path, text)


def _grid(rows: Sequence[Row], keys: Sequence[str]) -> html.Grid:
    keys, rows = _of_table(rows, keys)
    head = ["", *(MEASURES[key].title + ARROWS[MEASURES[key].better] for key in keys)]
    lines = []
    for row in rows:
        cells = [html.Cell(*shown(row.intervals.get(key), MEASURES[key])) for key in keys]
        lines.append(html.Line(row.kind, html.Cell(row.name, row.kind), cells))
    return html.Grid(head, [False] * len(head), lines)


def _figure(caption: str, figure: Figure, kind: str) -> dict[str, str]:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure" if kind == "wide" else 150)  # a dot for each pixel of a picture
    source = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return {"caption": caption, "kind": kind, "source": source}


ARROWS = {"lower": " ↓", "higher": " ↑", "": ""}
