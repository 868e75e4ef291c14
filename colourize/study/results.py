"""A study's tables: floors, settings with mean ± sd over seeds, ceilings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from colourize.study.columns import LOSSES, OF_PICTURES, Column, around, cell, of, of_row, ranked, table_of
from colourize.study.document import Part, Table, Text
from colourize.study.settings import Setting, Study
from colourize.study.values import PICTURES, shown, value_of

Rows = dict[str, dict[str, float]]
MOST_ROWS, BEST = 20, 10


def tables(study: Study) -> list[Part]:
    """Losses, then pictures and time; of many settings the best ones by their loss, and all of them folded."""
    every = study.settings
    if len(every) <= MOST_ROWS:
        return [_table(study, every, LOSSES), _table(study, every, OF_PICTURES)]
    best = ranked(every)[:BEST]
    return [
        Text(f"The {len(best)} settings of the lowest validation loss:"), _table(study, best, LOSSES),
        replace(_table(study, every, LOSSES), long=f"All {len(every)} settings: losses"),
        replace(_table(study, every, OF_PICTURES), long=f"All {len(every)} settings: pictures and time"),
    ]  # fmt: skip


def _table(study: Study, every: Sequence[Setting], columns: Sequence[Column]) -> Table:
    """Floors, settings, ceilings; for each set of pictures and palette where there are several."""
    alike: dict[str, list[Setting]] = {}
    for each in every:
        alike.setdefault(each.pictures, []).append(each)
    lines, kinds = [["", "seeds", *(column.title for column in columns)]], []
    for settings in alike.values():
        run = next((run for each in settings for run in each.runs if around(run)[0]), None)
        floors, ceilings = map(_measured(columns), around(run) if run else ({}, {}))
        if len(alike) > 2 and run is not None and (table := table_of(run)):
            floors, ceilings = {table[0]: table[1]}, {}
        mark = f" ({_common(study, settings)})" if len(alike) > 1 else ""
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
    """Keeps the rows that have a measure of the columns."""
    keys = {column.of_rows for column in columns}
    return lambda rows: {name: row for name, row in rows.items() if keys & row.keys()}


def _common(study: Study, settings: Sequence[Setting]) -> str:
    """What these settings of one set of pictures share, and no other setting has; else the pictures' fingerprint."""
    others = [each for each in study.settings if each.pictures != settings[0].pictures]
    own: dict[str, str] = {}
    shared: dict[str, str] = {}
    for name in (*study.varied, *study.following):
        values, beside = ({shown(value_of(each.values, name)) for each in some} for some in (settings, others))
        if len(values) == 1 and name != PICTURES:
            kind = shared if values & beside else own
            kind[name] = values.pop()
    together = {name: value for name, value in shared.items() if name in study.varied}
    if not own and not any(_has(each, together) for each in others):
        own = together
    return ", ".join(f"{name}={value}" for name, value in own.items()) or f"pictures {settings[0].pictures}"


def _has(setting: Setting, values: Mapping[str, str]) -> bool:
    return all(shown(value_of(setting.values, name)) == value for name, value in values.items())
