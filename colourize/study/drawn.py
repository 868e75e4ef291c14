"""A study's charts: curves over epochs, final measures against what was varied."""

import math
from collections.abc import Callable, Sequence

from colourize.study import charts, statistics
from colourize.study.charts import MOST_SERIES, Axis, Curve, Level, Point, Series
from colourize.study.columns import ACCURACY, LOSS, LOSSES, SECONDS, SPEED, Column, around, of, over_seeds, table_of
from colourize.study.document import Chart
from colourize.study.published import matching
from colourize.study.records import Record
from colourize.study.settings import Setting, Study, value_of

TRAINING = LOSSES[2]
HIGHLIGHTED = 4  # curves named where there are too many: the best ones and the worst


def drawn(study: Study) -> list[Chart]:
    """The charts that the runs at hand allow."""
    found = [_curves(study, LOSS, "train/loss"), _curves(study, ACCURACY, "train/accuracy")]
    if sum(bool(each.runs) for each in study.settings) > 1:
        found += [_final(study, column) for column in (LOSS, ACCURACY, SECONDS, SPEED)]
    return [chart for chart in found if chart is not None]


def _curves(study: Study, column: Column, of_training: str) -> Chart | None:
    shown = [each for each in study.settings if _runs(each)]
    if not any(column.key in row for each in shown for run in _runs(each) for row in run.epochs):
        return None
    many = len(shown) > MOST_SERIES
    named = _highlighted(shown) if many else shown
    lines = [Curve("", _band(each, column.key, column.scale), quiet=True) for each in shown if each not in named]
    for number, each in enumerate(named):
        unfinished = "" if each.runs else " (not finished)"
        lines.append(Curve(each.label + unfinished, _band(each, column.key, column.scale), number))
        if not many:
            lines.append(Curve("", _band(each, of_training, column.scale), number, dashed=True))
    values = [value for line in lines for value in line.band.mean]
    levels, absent = _levels(named, column, values)
    kind = column.title.partition(",")[0].removeprefix("validation ")
    caption = f"Validation {kind} over epochs: mean, and ± sd over seeds where there are several."
    caption += (
        f" All {len(shown)} settings in grey; the best {HIGHLIGHTED} and the worst by their last validation loss named."
        if many else " Dotted: training."
    )  # fmt: skip
    svg = charts.curves(lines, levels, Axis("epoch", _unit(column, kind)))
    return Chart(f"{kind}-curves", svg, caption + absent)


def _runs(setting: Setting) -> tuple[Record, ...]:
    done = tuple(run for run in setting.runs if run.epochs)
    return done or setting.unfinished


def _highlighted(settings: Sequence[Setting]) -> list[Setting]:
    known = [(found.mean, place) for place, each in enumerate(settings) if (found := of(each, LOSS)) is not None]
    order = [settings[place] for _, place in sorted(known)]
    return [*order[:HIGHLIGHTED], *order[HIGHLIGHTED:][-1:]]


def _band(setting: Setting, key: str, scale: float) -> statistics.Band:
    return statistics.band(
        [{int(row["epoch"]) + 1: scale * row[key] for row in run.epochs if key in row} for run in _runs(setting)]
    )


def _final(study: Study, column: Column) -> Chart | None:
    settings = [each for each in study.settings if of(each, column) is not None]
    if not settings:
        return None
    kind = column.title.partition(",")[0]
    name = kind.removeprefix("validation ").replace("/", "-per-").replace(" ", "-")
    swept = _swept(study, settings)
    if swept is None:
        points = [_point(each, column, place) for place, each in enumerate(settings)]
        levels, absent = _levels(settings, column, [value for point in points for value in point.values])
        axis = Axis(_unit(column, kind), "", ticks={place: each.label for place, each in enumerate(settings)})
        return Chart(f"{name}-final", charts.rows(points, levels, axis),
                     f"{_whole(column)}. Every run, and mean ± sd over seeds.{absent}")  # fmt: skip
    x, groups = swept
    place_of: Callable[[Setting], float] = lambda each: float(value_of(each.values, x))  # noqa: E731
    series = []
    for number, (label, members) in enumerate(groups.items()):
        points = [_point(each, column, place_of(each)) for each in members]
        series.append(Series(label or column.title, points, number=number))
        if column is LOSS:
            training = [_point(each, TRAINING, place_of(each)) for each in members if of(each, TRAINING)]
            series.append(Series(f"{label}, training".removeprefix(", "), training, hollow=True, number=number))
    values = [value for one in series for point in one.points for value in point.values]
    levels, absent = _levels(settings, column, values)
    if floor := _floor_along(settings, column, place_of):
        series.append(floor)
    places = [place_of(each) for each in settings]
    log = min(places) > 0 and max(places) > 10 * min(places)
    axis = Axis(x, _unit(column, kind), log=log, from_zero=column in (SECONDS, SPEED))
    caption = f"{_whole(column)}, against {x}. Every run as a dot, mean ± sd over seeds with bars.{absent}"
    return Chart(f"{name}-final", charts.swept(series, levels, axis), caption)


def _swept(study: Study, settings: Sequence[Setting]) -> tuple[str, dict[str, list[Setting]]] | None:
    """The varied number with the most values, and the settings along it, a group for each value of the rest."""
    numbers = {}
    for name in study.varied:
        values = [value_of(each.values, name) for each in settings]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            numbers[name] = len(set(values))
    if not numbers or max(numbers.values()) < 2:
        return None
    x = max(numbers, key=lambda name: numbers[name])
    groups: dict[str, list[Setting]] = {}
    for each in settings:
        rest = [name for name in study.varied if name not in (x, "pictures")]
        told = [str(value_of(each.values, name)) if name == "model" else f"{name}={value_of(each.values, name)}"
                for name in rest]  # fmt: skip
        groups.setdefault(", ".join(told), []).append(each)
    return (x, groups) if len(groups) <= MOST_SERIES - 1 else None


def _point(setting: Setting, column: Column, x: float) -> Point:
    values = list(over_seeds(setting, column).values())
    found = statistics.spread(values)
    assert found is not None
    return Point(x, values, found.mean, found.sd)


def _levels(settings: Sequence[Setting], column: Column, values: Sequence[float]) -> tuple[list[Level], str]:
    """Floors, ceilings and published results as lines; and a sentence on those that are not drawn."""
    if not column.of_rows or not values:
        return [], ""
    levels, far = [], []
    if len({each.pictures for each in settings}) == 1:
        run = next((run for each in settings for run in each.runs if around(run)[0]), None)
        floors, ceilings = around(run) if run else ({}, {})
        first = table_of(run) if run else None
        low, high = min(values), max(values)
        for name, row in {**floors, **ceilings}.items():
            value = column.scale * row.get(column.of_rows, math.nan)
            if (
                "cross_entropy" not in row
                or not math.isfinite(value)
                or (name in ceilings and not row["cross_entropy"])
            ):
                continue
            near = low - (high - low) < value < high + (high - low) / 2
            if near or (first and name == first[0]):
                levels.append(Level(name, value))
            else:
                far.append(f"{name} {value:.{column.digits}f}")
    known = {str(each.values["model"]): found for each in settings if (found := matching(each.values)) is not None}
    for model, found in known.items() if column in (LOSS, ACCURACY) else ():
        mean, sd = found.loss if column is LOSS else found.accuracy
        places = tuple(
            place for place, each in enumerate(settings) if matching(each.values) and each.values["model"] == model
        )
        levels.append(Level("published, mean ± sd", column.scale * mean, column.scale * sd, places))
    return levels, f" Beyond the chart: {', '.join(far)}." if far else ""


def _floor_along(settings: Sequence[Setting], column: Column, place_of: Callable[[Setting], float]) -> Series | None:
    """The look-up table along the swept value, where each setting has its own palette or pictures."""
    if not column.of_rows or len({each.pictures for each in settings}) == 1:
        return None
    found = {}
    for each in settings:
        known = next((table for run in each.runs if (table := table_of(run)) is not None), None)
        if known is not None and column.of_rows in known[1]:
            found[place_of(each)] = (known[0], column.scale * known[1][column.of_rows])
    points = [Point(x, [], value, math.nan) for x, (_, value) in sorted(found.items())]
    names = {name for name, _ in found.values()}
    return Series(" / ".join(sorted(names)), points, hollow=True, number=MOST_SERIES - 1) if points else None


def _whole(column: Column) -> str:
    """What a final measure is, in words."""
    own = {
        SECONDS: "Seconds of a whole run with its validations",
        SPEED: "Training pictures a second in the median epoch",
    }
    return own.get(column) or f"The last epoch's {column.title.partition(',')[0]}"


def _unit(column: Column, kind: str) -> str:
    return f"{kind} (nats/pixel)" if column is LOSS else column.title.replace(", %", " (%)")
