"""An evaluation as a person reads it: tables for the terminal, one self-contained page for the browser."""

import base64
import html
import io
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from colourize import web_page
from colourize.bootstrap import Interval
from colourize.evaluation import TABLE
from colourize.figures import reliability_figure, scatter_figure, strip_figure
from colourize.files import replace_text
from colourize.measures import CEILING, DECODING, FLOOR, MEASURES, MODEL, Measure, Row, difference

CLASSES = "cross_entropy", "skill", "top1", "top5", "ece"
PICTURES = tuple(key for key in MEASURES if key not in CLASSES)
ABSENT = "-"
MOST_PAIRED = 6  # models; above, each is compared with the best one only


def shown(interval: Interval | None, measure: Measure) -> tuple[str, str]:
    """Estimate and interval as text; a dash where the measure does not apply, none where it has no number."""
    if interval is None:
        return ABSENT, ""
    if not math.isfinite(interval.estimate):
        return "none", ""
    estimate, low, high = (f"{measure.scale * value:.{measure.digits}f}" for value in interval)
    return estimate, "" if math.isnan(interval.low) else f"{low} to {high}"


def print_tables(rows: Sequence[Row], title: str, console: Console) -> None:
    """Two tables: of the classes, and of the pictures by arg-max; with 95 % intervals where there is room."""
    roomy = console.width >= 130
    parts: tuple[tuple[str, tuple[str, ...]], ...] = (("colour classes", CLASSES), ("pictures", PICTURES))
    if not roomy:
        parts = ("colour classes", CLASSES[:3]), ("", CLASSES[3:]), ("pictures", PICTURES[:4]), ("", PICTURES[4:8])
        parts = *parts, ("", PICTURES[8:])
    for part, keys in parts:
        keys, lines = _of_table(rows, keys)
        if not keys:
            continue
        table = Table(title=f"{title}: {part}" if part else None, title_justify="left")
        table.add_column("", no_wrap=roomy, overflow="fold")
        for key in keys:
            table.add_column(MEASURES[key].title, justify="right")
        for row, following in itertools.zip_longest(lines, lines[1:]):
            cells = [shown(row.intervals.get(key), MEASURES[key]) for key in keys]
            texts = [(row.name, row.kind), *cells]
            style = "bold" if row.kind == MODEL else ""
            values = [
                Text(value, style).append(f"\n{below}" if roomy else "", "not bold dim") for value, below in texts
            ]
            last = following is not None and following.kind != row.kind and following.kind != DECODING
            table.add_row(*values, end_section=last)
        console.print(table)


def _of_table(rows: Sequence[Row], keys: Sequence[str]) -> tuple[tuple[str, ...], list[Row]]:
    """A table's columns and rows: no share outside the gamut where none is counted; classes not once per decoding."""
    counted = any("outside" in row.intervals for row in rows)
    columns = tuple(key for key in keys if key != "outside" or counted)
    return columns, [row for row in rows if row.kind != DECODING or keys[0] not in CLASSES]


def comparisons(rows: Sequence[Row], key: str = "cross_entropy") -> list[str]:
    """Sentences on pairs of models, and of each model and the look-up table, by paired bootstrap on the same images."""
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
        return f"{first.name} and {second.name} cannot be told apart by one picture: {estimate:.{measure.digits}f}"
    if estimate < 0:
        first, second, estimate, low, high = second, first, -estimate, -high, -low
    figures = (
        f"{estimate:.{measure.digits}f} [{low:.{measure.digits}f} to {high:.{measure.digits}f}] in {measure.title}"
    )
    if not (low > 0 or high < 0):
        return f"{first.name} and {second.name} cannot be told apart: a difference of {figures}"
    return f"{first.name} is better than {second.name} by {figures}"


def as_json(rows: Iterable[Row]) -> str:
    """Every figure with its interval: {row: {measure: [estimate, low, high]}}; null where there is no number."""
    figures = {
        row.name: {
            key: [value if math.isfinite(value) else None for value in interval]
            for key, interval in row.intervals.items()
        }
        for row in rows
    }
    return json.dumps(figures, indent=1, allow_nan=False)


def write_page(
    path: Path,
    title: str,
    note: str,
    rows: Sequence[Row],
    sentences: Sequence[str],
    strip: Mapping[str, Tensor],
    true_colourfulness: float,
) -> None:
    """One HTML file with everything in it: tables with intervals, the same images through every row, figures."""
    bins = {row.name: row.columns["bins"].sum(0) for row in rows if "bins" in row.columns and row.kind != CEILING}
    points = {row.name: (row.intervals["colourfulness"].estimate, row.intervals["ciede2000"].estimate) for row in rows}
    figures = [
        ("The same pictures through every row", strip_figure(strip), "wide"),
        ("Calibration: how often a class is right, against how sure the prediction is", reliability_figure(bins), ""),
        ("Colourfulness against error", scatter_figure(points, true_colourfulness), ""),
    ]
    body = "".join(
        [f"<h1>{html.escape(title)}</h1><p>{html.escape(note)}</p>"]
        + [_html_table(rows, keys, caption) for caption, keys in (("Colour classes", CLASSES), ("Pictures", PICTURES))]
        + ["<h2>Compared on the same images</h2><ul>"]
        + [f"<li>{html.escape(sentence)}</li>" for sentence in sentences]
        + ["</ul>"]
        + [_html_figure(caption, figure, name) for caption, figure, name in figures]
    )
    replace_text(path, web_page.page(title, body))


def _html_table(rows: Sequence[Row], keys: Sequence[str], caption: str) -> str:
    keys, rows = _of_table(rows, keys)
    head = [MEASURES[key].title + ARROWS[MEASURES[key].better] for key in keys]
    lines = []
    for row in rows:
        cells = (shown(row.intervals.get(key), MEASURES[key]) for key in keys)
        values = [f"{value}<small>{interval}</small>" for value, interval in cells]
        lines.append(web_page.row(row.kind, row.name, values, row.kind))
    return f"<h2>{caption}</h2>{web_page.table(['', *head], lines)}"


def _html_figure(caption: str, figure: Figure, name: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    source = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{source}">'
    above = f"<figcaption>{html.escape(caption)}</figcaption>"
    return f'<figure class="titled">{above}<div class="scroll {name}">{image}</div></figure>'


ARROWS = {"lower": " ↓", "higher": " ↑", "": ""}
