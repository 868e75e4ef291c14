"""A report's charts: curves over epochs, and final measures against the varied values."""

from collections.abc import Sequence

from colourize.report import charts, statistics
from colourize.report.canvas import MOST_SERIES, Axis, limits
from colourize.report.charts import Curve, Point, Series
from colourize.report.columns import (
    ACCURACY,
    AP,
    AP50,
    LOSS,
    LOSSES,
    SECONDS,
    SKILL,
    SPEED,
    Column,
    deciding,
    of,
    over_seeds,
    ranked,
)
from colourize.report.document import Chart
from colourize.report.records import Record
from colourize.report.references import floor_along, levels, published
from colourize.report.settings import Report, Setting
from colourize.runs.apart import as_typed, value_of

TRAINING = next(column for column in LOSSES if column.key == "train/loss")
HIGHLIGHTED = 4  # named curves if there are too many: the best ones, and the worst


def drawn(report: Report) -> list[Chart]:
    """The charts for which the runs have measures."""
    found = [_curves(report, LOSS, "train/loss"), _curves(report, ACCURACY, "train/accuracy")]
    found += [_curves(report, AP, ""), _curves(report, AP50, "")]
    if sum(bool(each.runs) for each in report.settings) > 1:
        measures = (LOSS, AP, AP50, ACCURACY, *([SKILL] if _several_palettes(report.settings) else []), SECONDS, SPEED)
        found += [_final(report, column) for column in measures]
    return [chart for chart in found if chart is not None]


def _curves(report: Report, column: Column, of_training: str) -> Chart | None:
    shown = [each for each in report.settings if _runs(each)]
    if not any(column.key in row for each in shown for run in _runs(each) for row in run.epochs):
        return None
    many = len(shown) > MOST_SERIES
    named = _highlighted(shown) if many else shown
    lines = [Curve("", _band(each, column.key, column.scale), quiet=True) for each in shown if each not in named]
    for number, each in enumerate(named):
        unfinished = "" if each.runs else " (not finished)"
        lines.append(Curve(each.label + unfinished, _band(each, column.key, column.scale), number))
        if not many and of_training:
            lines.append(Curve("", _band(each, of_training, column.scale), number, dashed=True))
    values = [value for line in lines for value in line.band.mean]
    lines_across, absent = levels(named, column, values)
    kind = _kind(column).removeprefix("validation ")
    caption = f"Validation {kind} over epochs: mean{_spread(shown)}.{_apart(shown, column)}"
    by = _rank(shown).title
    caption += (
        f" All {len(shown)} settings in grey; the best {HIGHLIGHTED} and the worst by their last {by} named."
        if many else " Dotted: training." * bool(of_training)
    )  # fmt: skip
    ends = limits(values, [level.value for level in lines_across], times=3) if column is LOSS else None
    caption += f" Losses above {ends[1]:.3g} are beyond the chart." if ends else ""
    marks = published(named, column, lambda each: each.values["max_epochs"])
    axis = Axis("epoch", _unit(column, shown).removeprefix("validation "), limits=ends)  # training is there too
    return Chart(f"{kind}-curves", charts.curves(lines, lines_across, marks, axis), caption + absent)


def _several_palettes(settings: Sequence[Setting]) -> bool:
    """Whether finished runs differ in pictures or palette: their losses are then not comparable."""
    return len({each.pictures for each in settings if each.runs}) > 1


def _apart(settings: Sequence[Setting], column: Column) -> str:
    """A caption's warning if the lines of a chart are not comparable."""
    incomparable = column in (LOSS, ACCURACY) and deciding(settings) is LOSS and _several_palettes(settings)
    return (
        " Pictures or palettes differ, so these values are not comparable: compare the skill." if incomparable else ""
    )


def _spread(settings: Sequence[Setting]) -> str:
    """A caption's text on spread; empty if no setting has two seeds."""
    return ", and ± sd over seeds if there are several" if any(len(_runs(each)) > 1 for each in settings) else ""


def _runs(setting: Setting) -> tuple[Record, ...]:
    done = tuple(run for run in setting.runs if run.epochs)
    return done or setting.unfinished


def _rank(settings: Sequence[Setting]) -> Column:
    """The measure that ranks the settings."""
    return SKILL if _several_palettes(settings) and deciding(settings) is LOSS else deciding(settings)


def _highlighted(settings: Sequence[Setting]) -> list[Setting]:
    order = ranked(settings, _rank(settings))
    return [*order[:HIGHLIGHTED], *order[HIGHLIGHTED:][-1:]]


def _band(setting: Setting, key: str, scale: float) -> statistics.Band:
    return statistics.band(
        [{int(row["epoch"]) + 1: scale * row[key] for row in run.epochs if key in row} for run in _runs(setting)]
    )


def _final(report: Report, column: Column) -> Chart | None:
    settings = [each for each in report.settings if of(each, column) is not None]
    if not settings:
        return None
    along = _swept(report, settings)
    svg, against, absent = _rows(settings, column) if along is None else _along(settings, column, *along)
    several = any(len(each.runs) > 1 for each in settings)
    dots = "Every run as a dot, mean ± sd over seeds with bars." if several else "One run for each setting."
    return Chart(f"{_name(column)}-final", svg, f"{_whole(column)}{against}. {dots}{_apart(settings, column)}{absent}")


def _name(column: Column) -> str:
    return _kind(column).removeprefix("validation ").replace("/", "-per-").replace(" ", "-")


def _kind(column: Column) -> str:
    return column.title.partition(",")[0]


def _rows(settings: Sequence[Setting], column: Column) -> tuple[str, str, str]:
    """A chart with one row for each setting: SVG, end of the caption's title, note on levels beyond the chart."""
    points = [_point(each, column, place) for place, each in enumerate(settings)]
    lines, absent = levels(settings, column, [value for point in points for value in point.values])
    axis = Axis(_unit(column, settings), "", ticks={place: each.label for place, each in enumerate(settings)})
    return charts.rows(points, lines, published(settings, column, settings.index), axis), "", absent


def _along(
    settings: Sequence[Setting], column: Column, x: str, groups: dict[str, list[Setting]]
) -> tuple[str, str, str]:
    """A chart along the swept number x: SVG, end of the caption's title, note on levels beyond the chart."""

    def place_of(each: Setting) -> float:
        return float(value_of(each.values, x))

    series = []
    for number, (label, members) in enumerate(groups.items()):
        points = [_point(each, column, place_of(each)) for each in members]
        series.append(Series(label or column.title, points, number=number))
        if column is LOSS:
            training = [_point(each, TRAINING, place_of(each)) for each in members if of(each, TRAINING)]
            series.append(Series(f"{label}, training".removeprefix(", "), training, hollow=True, number=number))
    lines, absent = levels(
        settings, column, [value for one in series for point in one.points for value in point.values]
    )
    series += floor_along(settings, column, place_of)
    places = [place_of(each) for each in settings]
    log = min(places) > 0 and max(places) > 10 * min(places)
    axis = Axis(x, _unit(column, settings), log=log, from_zero=column in (SECONDS, SPEED))
    return charts.swept(series, lines, published(settings, column, place_of), axis), f", against {x}", absent


def _swept(report: Report, settings: Sequence[Setting]) -> tuple[str, dict[str, list[Setting]]] | None:
    """The varied number with the most values, and the settings along it, grouped by the other varied values."""
    numbers = {}
    for name in report.varied:
        values = [value_of(each.values, name) for each in settings]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            numbers[name] = len(set(values))
    if not numbers or max(numbers.values()) < 2:
        return None
    x = max(numbers, key=lambda name: numbers[name])
    groups: dict[str, list[Setting]] = {}
    for each in settings:
        rest = {name: as_typed(value_of(each.values, name)) for name in report.varied if name != x}
        words = [value if name == "model" else f"{name}={value}" for name, value in rest.items()]
        groups.setdefault(", ".join(words), []).append(each)
    return (x, groups) if len(groups) <= MOST_SERIES - 1 else None


def _point(setting: Setting, column: Column, x: float) -> Point:
    values = list(over_seeds(setting, column).values())
    found = statistics.spread(values)
    assert found is not None
    return Point(x, values, found.mean, found.sd)


def _whole(column: Column) -> str:
    """The name of a final measure in a caption."""
    own = {
        SECONDS: "Seconds of a whole run with its validations",
        SPEED: "Training pictures a second in the median epoch",
    }
    return own.get(column) or f"The last epoch's {_kind(column)}"


def _unit(column: Column, settings: Sequence[Setting]) -> str:
    of_pixels = column is LOSS and deciding(settings) is LOSS
    return f"{column.title} (nats/pixel)" if of_pixels else column.title.replace(", %", " (%)")
