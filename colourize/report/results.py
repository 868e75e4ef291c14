"""A report's tables: floors, settings with mean ± sd over seeds, ceilings."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from colourize.report.columns import (
    LOSS,
    LOSSES,
    OF_PICTURES,
    Column,
    around,
    cell,
    deciding,
    of,
    of_row,
    ranked,
    table_of,
)
from colourize.report.document import Part, Table, Text
from colourize.report.settings import Report, Setting
from colourize.runs.apart import PICTURES, as_typed, value_of

Rows = dict[str, dict[str, float]]
MOST_ROWS, BEST = 20, 10


def tables(report: Report) -> list[Part]:
    """Tables of losses, then of pictures and time; for many settings only the best, with all in folded tables."""
    every = report.settings
    if len(every) <= MOST_ROWS:
        return [_table(report, every, LOSSES), _table(report, every, OF_PICTURES)]
    best, word = ranked(every)[:BEST], "lowest validation loss" if deciding(every) is LOSS else "highest AP"
    return [
        Text(f"The {len(best)} settings with the {word}:"), _table(report, best, LOSSES),
        replace(_table(report, every, LOSSES), long=f"All {len(every)} settings: losses"),
        replace(_table(report, every, OF_PICTURES), long=f"All {len(every)} settings: pictures and time"),
    ]  # fmt: skip


def _table(report: Report, every: Sequence[Setting], columns: Sequence[Column]) -> Table:
    """Rows of floors, settings and ceilings, for each set of pictures and palette.

    A measure that no run has is left out; the knob ``measures`` chooses the final measures of a run.
    """
    columns = [column for column in columns if any(of(each, column) for each in every)] or columns
    alike: dict[str, list[Setting]] = {}
    for each in every:
        alike.setdefault(each.pictures, []).append(each)
    lines, kinds = [["", "seeds", *(column.title for column in columns)]], []
    for pictures, settings in alike.items():
        run = next((run for each in settings for run in each.runs if around(run)[0]), None)
        floors, ceilings = map(_measured(columns), around(run) if run else ({}, {}))
        if len(alike) > 2 and run is not None and (table := table_of(run)):
            floors, ceilings = {table[0]: table[1]}, {}
        mark = f" ({_distinction(report, pictures)})" if len(alike) > 1 else ""
        least = next(iter(ranked(settings)), None) if len(settings) > 1 else None
        for name, row in floors.items():
            lines.append([name + mark, "", *(of_row(row, column) for column in columns)])
        for each in settings:
            cells = (cell(of(each, column), column, len(each.runs)) for column in columns)
            lines.append([each.label, _seeds(each), *cells])
        for name, row in ceilings.items():
            lines.append([name + mark, "", *(of_row(row, column) for column in columns)])
        kinds += [*["floor"] * len(floors), *("best" if each is least else "" for each in settings)]
        kinds += ["ceiling"] * len(ceilings)
    return Table(lines, kinds)


def _seeds(setting: Setting) -> str:
    done, all_ = len(setting.runs), len(setting.runs) + len(setting.lost)
    return str(done) if done == all_ else f"{done} of {all_}"


def _measured(columns: Sequence[Column]) -> Callable[[Rows], Rows]:
    """A filter that keeps the rows with at least one of the columns' measures."""
    keys = {column.of_rows for column in columns}
    return lambda rows: {name: row for name, row in rows.items() if keys & row.keys()}


def _distinction(report: Report, pictures: str) -> str:
    """A label that distinguishes one set of pictures from the others.

    First choice: the values that all its settings share and no other setting has. Second: a smallest combination of
    shared values that no other setting has. Last: the fingerprint of the pictures.
    """
    others = [each for each in report.settings if each.pictures != pictures]
    shared = {}
    for name in (*report.varied, *report.following):
        values = {as_typed(value_of(each.values, name)) for each in report.settings if each.pictures == pictures}
        if len(values) == 1 and name != PICTURES:
            shared[name] = values.pop()
    own = {name: value for name, value in shared.items() if not _any_has(others, {name: value})}
    chosen = own or _together({name: value for name, value in shared.items() if name in report.varied}, others)
    return ", ".join(f"{name}={value}" for name, value in chosen.items()) or f"pictures {pictures}"


def _together(values: dict[str, str], others: Sequence[Setting]) -> dict[str, str]:
    """A smallest combination of the values that no other setting has; empty if another setting has all of them."""
    if _any_has(others, values):
        return {}
    for name in list(values):
        fewer = {other: value for other, value in values.items() if other != name}
        values = values if _any_has(others, fewer) else fewer
    return values


def _any_has(settings: Sequence[Setting], values: dict[str, str]) -> bool:
    pairs = values.items()
    return any(all(as_typed(value_of(each.values, name)) == value for name, value in pairs) for each in settings)
