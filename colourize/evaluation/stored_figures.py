"""Reads the JSON of an evaluation as a table: ``evaluation.json`` of a run, or ``colourize evaluate --json``."""

import math
from pathlib import Path
from typing import Any

from colourize import files
from colourize.errors import InputError
from colourize.evaluation.bootstrap import Interval
from colourize.evaluation.measures import MEASURES
from colourize.evaluation.output import shown

MOST_ROWS, LONGEST_NAME = 100, 80


def table(path: Path) -> list[list[str]]:
    """The estimates with their 95 % intervals: a header, and a row for each predictor.

    Raises:
        InputError: no such file, or one that ``output.as_json`` did not write.
    """
    try:
        found = files.read_json(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; pass one that colourize evaluate --json wrote") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); run colourize evaluate --json again") from error
    rows = found.items() if isinstance(found, dict) else ()
    intervals = {name[:LONGEST_NAME]: _intervals(row) for name, row in list(rows)[:MOST_ROWS]}
    keys = [key for key in MEASURES if any(key in row for row in intervals.values())]
    if not keys:
        raise InputError(f"{path} contains no figures; pass a file that colourize evaluate --json wrote")
    lines = [["", *(MEASURES[key].title for key in keys)]]
    for name, row in intervals.items():
        cells = [shown(row.get(key), MEASURES[key]) for key in keys]
        lines.append([name, *(f"{value} ({range_})" if range_ else value for value, range_ in cells)])
    return lines


def _intervals(row: Any) -> dict[str, Interval]:
    """The measures of one predictor; entries that are not intervals are left out."""
    found = {}
    for key, values in row.items() if isinstance(row, dict) else ():
        if (
            isinstance(values, list)
            and len(values) == 3
            and all(isinstance(each, float | int | None) for each in values)
        ):
            found[key] = Interval(*(math.nan if each is None else float(each) for each in values))
    return found
