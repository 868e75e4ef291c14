"""``colourize decode-curve``: error against colourfulness, from the mean of the classes to the most probable class.

One checkpoint is decoded at each temperature T of the annealed mean: T = 1 is the mean, T -> 0 the arg-max.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console

from colourize.colour.decoding import parsed
from colourize.config.instantiate import short_name
from colourize.data.labelled import labelled, read
from colourize.evaluation import output
from colourize.evaluation.inputs import data_config, load, other_pictures, single_checkpoint
from colourize.evaluation.measures import MEASURES, Row, difference, with_intervals
from colourize.evaluation.predictors import Predictor
from colourize.evaluation.yardstick import GREY, Yardstick
from colourize.files import check_output, replace_text
from colourize.present import tables, terminal
from colourize.present.figures import FIGURES, decodings_figure, save

TEMPERATURES = tuple(step / 10 for step in range(1, 10))
DRAWN = "psnr", "ciede2000", "ab_error"
JUDGED = "psnr", "ssim", "ciede2000", "ab_error", "auc", "auc_rebalanced", "colourfulness_gap"
COLOURFULNESS = "colourfulness"


def decode_curve(
    run: str,
    overrides: Sequence[str] = (),
    figure: Path | None = None,
    figures: Path | None = None,
    keep_grey: bool = False,
    num_resamples: int = 2_000,
    trusted: Sequence[str] = (),
) -> list[Row]:
    """Measures a run's pictures at every temperature; prints a table and the best T for each measure.

    Args:
        run: a checkpoint or a run folder.
        overrides: such as ``data.root=DIR``.
        figure: a PNG file to write.
        figures: a JSON file to write.
        keep_grey: decode with ``+grey``.
        num_resamples: of the bootstrap.
        trusted: packages with networks and sources that the checkpoint may also name.

    Returns:
        The untouched grey, then the decodings from the arg-max to the mean.

    Raises:
        InputError: ``run`` is not a single run; an override does not apply; pictures cannot be read.
    """
    check_output(figure, FIGURES)
    check_output(figures, [".json"])
    file = single_checkpoint(run)
    (trained,) = load([file], trusted)
    name, model = short_name(trained.config["model"]), trained.model
    config = data_config([trained], overrides)
    pictures = read(config)
    found = labelled(pictures, model.palette, config["cache_dir"], model.space, model.stride)
    yardstick = Yardstick(pictures, found.train, found.validation, model.palette, model.space)
    (untouched,) = (floor for floor in yardstick.floors() if floor.name == GREY)
    predictors = [untouched, *(yardstick.decoded(name, model, parsed(word)) for word in words(keep_grey))]
    console = terminal.console()
    rows = _measured(yardstick, predictors, num_resamples, console)
    truth = yardstick.true_colourfulness
    labels = [GREY, "arg-max", *(f"T = {temperature}" for temperature in TEMPERATURES), "mean"]
    console.print(f"{name}, {len(pictures.validation)} validation pictures, {trained.config['num_colours']} colours in "
                  f"{model.space.name}; colourfulness of the true pictures: {truth:.1f}\n")  # fmt: skip
    console.print(_table(rows, labels, truth))
    console.print("\n".join([*other_pictures(name, file, trained, config, pictures), *_best(rows, labels, truth)]))
    if figure is not None:
        save(_drawn(rows, labels, truth, name), figure)
    if figures is not None:
        _write(figures, rows, labels, truth)
    return rows


def _best(rows: Sequence[Row], labels: Sequence[str], truth: float) -> list[str]:
    """Lines about the best decoding for each measure. The first row, of the untouched grey, is left out."""
    rows, labels = rows[1:], labels[1:]
    return [
        *(_sentence(rows, labels, key) for key in JUDGED),
        _colourful(rows, labels, truth),
        f"({len(rows)} decodings, the best one is chosen and compared on the same pictures, so its lead is biased "
        "upwards)",
    ]


def _measured(yardstick: Yardstick, predictors: Sequence[Predictor], num_resamples: int, console: Console) -> list[Row]:
    rows = []
    for predictor in predictors:
        with console.status(f"measuring {predictor.name}"):
            rows.append(with_intervals(yardstick.row(predictor), num_resamples))
    return rows


def words(keep_grey: bool = False) -> list[str]:
    """The decodings of the curve, by their names on the command line."""
    plain = ["argmax", *(f"annealed:{temperature}" for temperature in TEMPERATURES), "mean"]
    return [word + "+grey" * keep_grey for word in plain]


def best(rows: Sequence[Row], key: str) -> int:
    """Index of the best row by a measure; -1 if no row has the measure."""
    values = [row.intervals[key].estimate for row in rows]
    sign = -1 if MEASURES[key].better == "lower" else 1
    numbers = [(sign * value, number) for number, value in enumerate(values) if value == value]
    return max(numbers)[1] if numbers else -1


def _table(rows: Sequence[Row], labels: Sequence[str], truth: float) -> str:
    counted = any("outside" in row.intervals for row in rows)
    keys = [*DRAWN, "ssim", COLOURFULNESS, "colourfulness_gap", *(["outside"] if counted else [])]
    lines = [["decoding", *(MEASURES[key].title for key in keys), "of the truth, %"]]
    for label, row in zip(labels, rows, strict=True):
        cells = [output.shown(row.intervals.get(key), MEASURES[key])[0] for key in keys]
        share = f"{100 * row.intervals[COLOURFULNESS].estimate / truth:.0f}" if truth else output.ABSENT
        lines.append([label, *cells, share])
    return tables.as_text(lines)


def _sentence(rows: Sequence[Row], labels: Sequence[str], key: str) -> str:
    """The best decoding for a measure, and its lead over the better one of arg-max and mean."""
    measure, place = MEASURES[key], best(rows, key)
    if place < 0:
        return f"{measure.title}: no number for these pictures"
    values = [output.shown(row.intervals[key], measure)[0] for row in rows]
    printed = f"{measure.title}: best with {labels[place]}, {values[place]} (arg-max {values[0]}, mean {values[-1]})"
    end = (0, len(rows) - 1)[best((rows[0], rows[-1]), key)]
    interval = difference(rows[place], rows[end], key) if place != end else None
    if interval is None:
        return printed
    low, high = sorted(abs(measure.scale * value) for value in interval[1:])
    same = not (interval.low > 0 or interval.high < 0)
    figures = f"by {low:.{measure.digits + 1}f} to {high:.{measure.digits + 1}f}"
    return f"{printed}; {'within the sampling error of' if same else 'better ' + figures + ' than'} the {labels[end]}"


def _colourful(rows: Sequence[Row], labels: Sequence[str], truth: float) -> str:
    """The decoding with the mean colourfulness nearest to the truth."""
    means = [row.intervals[COLOURFULNESS].estimate for row in rows]
    place = min(range(len(rows)), key=lambda number: abs(means[number] - truth))
    share = f" ({means[place] / truth - 1:+.0%})" if truth else ""
    printed = f"{truth:.1f} with {labels[place]}, {means[place]:.1f}{share}"
    return f"mean colourfulness: nearest to the true pictures' {printed}"


def _drawn(rows: Sequence[Row], labels: Sequence[str], truth: float, name: str) -> Figure:
    points = [[row.intervals[key].estimate for key in (COLOURFULNESS, *DRAWN)] for row in rows]
    named = dict(zip([label.removeprefix("T = ") for label in labels[1:]], points[1:], strict=True))
    titles = [MEASURES[key].title + output.ARROWS[MEASURES[key].better] for key in DRAWN]
    return decodings_figure(named, points[0], titles, truth, f"{name}: annealed mean at temperature T")


def _write(path: Path, rows: Sequence[Row], labels: Sequence[str], truth: float) -> None:
    """Writes all estimates with intervals, and the best decoding by each measure."""
    named = {key: labels[1:][place] for key in JUDGED if (place := best(rows[1:], key)) >= 0}
    contents = {"true_colourfulness": truth, "best": named, "rows": json.loads(output.as_json(rows))}
    replace_text(path, json.dumps(contents, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
