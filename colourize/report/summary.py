"""Summarizes a report's findings in a few sentences."""

import math
from collections import Counter
from collections.abc import Sequence

from colourize.config.compare import key_of, telling
from colourize.present.terminal import cleaned
from colourize.report.columns import LOSS, SECONDS, Column, cell, deciding, of, over_seeds, ranked, table_of
from colourize.report.comparisons import difference
from colourize.report.settings import Report, Setting
from colourize.runs import resume
from colourize.runs.apart import as_typed, value_of

PLACES = "experiment", "data", "classes", "accelerator"
"""Keys of overrides that choose where jobs run; they do not change a study's question."""
A_MINUTE, AN_HOUR = 60, 3600
MOST_COMMANDS = 4


def summary(report: Report) -> str:
    """Counts of jobs, settings better than the look-up table, the lowest loss and its margin, the time."""
    return " ".join([*_counts(report), *_against_table(report), *_lowest(report), *_cost(report)])


def _counts(report: Report) -> list[str]:
    states = Counter(record.state for record in report.records)
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    counts = sorted({len(each.runs) for each in report.settings if each.runs})
    seeds = "no finished run" if not counts else f"{counts[0]}{f' to {counts[-1]}' * (len(counts) > 1)} seed"
    seeds += "s" * bool(counts and counts[-1] != 1)
    some = f"{len(report.settings)} setting{'s' * (len(report.settings) != 1)}"
    parts = [f"{len(report.records)} job{'s' * (len(report.records) != 1)}: {jobs}. {some}, {seeds} each."]
    if counts and counts[-1] == 1:
        parts.append("With one seed for each setting the spread is unknown, and small differences are not significant.")
    if "model" in report.constant:
        parts.append(f"Network: {report.constant['model']}.")
    return parts


def _against_table(report: Report) -> list[str]:
    against = [(of(each, LOSS), table_of(each.runs[0])) for each in report.settings if each.runs]
    known = [(mine.mean, table[1]["cross_entropy"]) for mine, table in against if mine and table]
    known = [pair for pair in known if not math.isclose(*pair, rel_tol=1e-6)]  # without runs of the table itself
    better = sum(mine < table for mine, table in known)
    sentence = f"{better} of {len(known)} have a lower validation loss than the look-up table, which has no network."
    return [sentence] if known else []


def _lowest(report: Report) -> list[str]:
    """The best setting of each set of pictures with several settings, and its margin."""
    column = deciding(report.settings)
    best, unit = ("lowest", " nats a pixel") if column is LOSS else ("highest AP", "")
    alike: dict[str, list[Setting]] = {}
    for each in report.settings:
        alike.setdefault(each.pictures, []).append(each)
    sentences = []
    for settings in alike.values():
        if len(order := ranked(settings)) > 1:
            mean = cell(of(order[0], column), column, len(order[0].runs))
            sentences.append(f"The {best}: {_named(report, order[0])}, {mean}{unit}. {_margin(order, column)}")
    return sentences


def _margin(order: Sequence[Setting], column: Column) -> str:
    """The difference between the best two settings, with its interval."""
    found = difference(order[1], order[0], column)
    if found is None:
        return f"The next: {order[1].label}, with other seeds."
    word = "higher" if column is LOSS else "lower"
    margin = f"The next, {order[1].label}, is {abs(found.mean):.{column.digits}f} {word}"
    if math.isnan(found.low):
        return f"{margin} with the same seed: one pair cannot show whether that is chance."
    sure, digits = "not significant" if found.low < 0 < found.high else "significant", column.digits
    return f"{margin}, 95 % interval {found.low:+.{digits}f} to {found.high:+.{digits}f} over {found.n} seeds: {sure}."


def _named(report: Report, setting: Setting) -> str:
    """The setting's label with the values that labels leave out."""
    silent = {name: value for name, value in report.usual.items() if value_of(setting.values, name) == value}
    return ", ".join(
        [setting.label, *(f"{name}={as_typed(value)}" for name, value in silent.items() if name != "model")]
    )


def _cost(report: Report) -> list[str]:
    seconds = sum(sum(over_seeds(each, SECONDS).values()) for each in report.settings)
    if not seconds:
        return []
    long = f"{seconds / AN_HOUR:.1f} hours" if seconds > 2 * AN_HOUR else f"{seconds / A_MINUTE:.1f} minutes"
    return [f"All finished runs took {long}, one after another."]


def changed(report: Report) -> str:
    """The overrides of each command, without the experiment's name and without ``PLACES``; empty without overrides."""
    commands = set()
    for record in report.records:
        begun = cleaned(resume.sweep_of(record.folder.parent).get("overrides", record.overrides))
        kept = (word for word in telling(begun) if not word.startswith("-"))
        words = {word for word in kept if key_of(word).partition(".")[0] not in (*PLACES, "hydra", "hydra/launcher")}
        commands.add(" ".join(sorted(words)))
    if len(commands) > MOST_COMMANDS:
        return f"{len(commands)} different commands"
    return "; ".join(words or "no other overrides" for words in sorted(commands)) if any(commands) else ""
