"""Settings: groups of runs that differ only in the seed, and the names that separate the groups."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from colourize.config.compare import key_of
from colourize.errors import shown
from colourize.report.records import Record
from colourize.runs.apart import PICTURES, Values, as_typed, separating, setting, value_of

MOST_NAMED = 3
"""Names in a label. A longer label leaves out names with their most frequent value."""
ENDED = "finished", "failed"


@dataclass(frozen=True)
class Setting:
    """A resolved configuration without seed and paths, and the runs that share it.

    Attributes:
        values: of the configuration.
        runs: the finished ones, one for each seed, by seed.
        unfinished: unfinished runs with epochs.
        lost: runs that ended without a result, for seeds without one; without them the mean is biased.
    """

    values: Values
    runs: tuple[Record, ...]
    unfinished: tuple[Record, ...] = ()
    lost: tuple[Record, ...] = ()
    label: str = ""

    @property
    def pictures(self) -> str:
        """The fingerprint of the pictures and the palette."""
        return str(self.values[PICTURES])


@dataclass(frozen=True)
class Report:
    """All settings of some runs, in the order of the varied names.

    Attributes:
        varied: names that separate the settings. With their values they make a setting's label.
        following: names with differing values that follow from the varied ones.
        constant: values that all settings share.
        doubled: sentences on runs that are not counted: they repeat a seed of their setting, or were debugged.
        usual: values that long labels leave out.
    """

    settings: tuple[Setting, ...]
    varied: tuple[str, ...]
    following: tuple[str, ...]
    constant: Values
    records: tuple[Record, ...]
    doubled: tuple[str, ...] = ()
    usual: Values = field(default_factory=dict)


def grouped(records: Sequence[Record]) -> Report:
    """Groups runs by setting. Runs that have not read their pictures are in ``records`` only.

    Of two runs with one setting and seed the finished one counts; of two finished ones the later.
    """
    groups: dict[str, list[Record]] = {}
    debugged = [record for record in records if record.config.get("debug")]
    for record in records:
        if not record.config.get("debug") and record.config and (record.fingerprint or record.epochs):
            groups.setdefault(json.dumps(setting(record.config, record.fingerprint), sort_keys=True), []).append(record)
    doubled = [f"{record.folder} is left out: debug={shown(record.config['debug'])}" for record in debugged]
    settings = [_setting(runs, doubled) for _, runs in sorted(groups.items())]
    varied, following, constant = separating([each.values for each in settings], _swept(records))
    usual = _usual([each.values for each in settings], varied)
    labels = _labels([each.values for each in settings], varied, usual)
    named = [replace(each, label=label) for each, label in zip(settings, labels, strict=True)]
    named.sort(key=lambda each: [_rank(value_of(each.values, name)) for name in varied])
    return Report(tuple(named), varied, following, constant, tuple(records), tuple(sorted(doubled)), usual)


def _setting(runs: Sequence[Record], doubled: list[str]) -> Setting:
    """One setting, with its runs by their state; adds a sentence for each run that another repeats."""
    by_seed: dict[int, Record] = {}
    for run in sorted(runs, key=lambda run: (run.start, str(run.folder))):
        if "val/loss" not in run.finals:
            continue
        if (before := by_seed.get(run.seed)) is not None:
            doubled.append(f"{before.folder} is left out: {run.folder} later ran the same setting with seed {run.seed}")
        by_seed[run.seed] = run
    others = {run.seed: run for run in runs if run.seed not in by_seed}
    under_way = [run for run in runs if run.seed in others and run.state != "finished" and run.epochs]
    lost = [run for seed, run in sorted(others.items()) if run.state in ENDED]
    finished = tuple(by_seed[seed] for seed in sorted(by_seed))
    return Setting(
        setting(runs[0].config, runs[0].fingerprint),
        finished,
        tuple(sorted(under_way, key=lambda run: run.seed)),
        tuple(lost),
    )


def _swept(records: Iterable[Record]) -> dict[str, int]:
    """Keys of the overrides in which jobs differ, with their position."""
    words = [record.overrides for record in records]
    common = set.intersection(*map(set, words)) if words else set()
    keys = [key_of(word) for job in sorted(words) for word in job if word not in common]
    return {key: place for place, key in enumerate(dict.fromkeys(keys))}


def _usual(settings: Sequence[Values], varied: Sequence[str]) -> Values:
    """Values that more than half of the settings share, if leaving them out makes long labels half as long.

    A sweep that varies one thing at a time has such values. A search varies everything, so its labels show everything.
    """
    usual: Values = {}
    unsaid = 0
    for name in varied if len(varied) > MOST_NAMED else ():
        [(value, count)] = Counter(json.dumps(value_of(values, name)) for values in settings).most_common(1)
        if 2 * count > len(settings):
            usual[name] = json.loads(value)
            unsaid += count
    return usual if 2 * unsaid >= len(settings) * len(varied) else {}


def _labels(settings: Sequence[Values], varied: Sequence[str], usual: Values) -> list[str]:
    """The settings' labels: numbers to six digits, or exact if two labels would be equal."""
    taken = {(values["model"], name) for values in settings for name in values}
    labels = [_label(values, varied, usual, taken) for values in settings]
    if len(set(labels)) < len(labels):
        labels = [_label(values, varied, usual, taken, exact=True) for values in settings]
    return labels


def _label(
    values: Values, varied: Sequence[str], usual: Values, taken: set[tuple[Any, str]], exact: bool = False
) -> str:
    """A setting's label, its network first. ``taken``: pairs of a network and a name for which it has a value."""
    named = [name for name in varied if name == "model" or name not in usual or value_of(values, name) != usual[name]]
    named = [name for name in named if not name.startswith("model.") or (values["model"], name) in taken]
    named.sort(key=lambda name: name != "model")
    parts = [
        str(values["model"]) if name == "model" else f"{name}={as_typed(value_of(values, name), exact)}"
        for name in named
    ]
    return ", ".join(parts) or str(values["model"])


def _rank(value: Any) -> tuple[int, float, str]:
    """A key for sorting: numbers by size, before texts by letter."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (0, float(value), "") if number else (1, 0.0, str(value))
