"""``colourize evaluate``: floors, runs and ceilings on one validation set."""

import copy
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from torch import Tensor

from colourize import __version__
from colourize.colour.decoding import parsed
from colourize.config.options import option
from colourize.data.labelled import read
from colourize.data.pictures import Pictures, example_index
from colourize.errors import InputError
from colourize.evaluation import output
from colourize.evaluation.by_palette import yardsticks
from colourize.evaluation.calibration import Tempered
from colourize.evaluation.inputs import checkpoint_files, data_config, load, other_pictures
from colourize.evaluation.measures import Row, all_with_intervals
from colourize.evaluation.predictors import Predictor
from colourize.evaluation.yardstick import Yardstick
from colourize.files import PAGES, check_output, replace_text
from colourize.model import Model
from colourize.present import terminal
from colourize.present.figures import FIGURES, save, strip_figure
from colourize.runs.apart import run_names
from colourize.runs.temperature import read_temperature
from colourize.runs.trained import Trained

FLOORS = "prior", "nearest", "lookup", "grey"  # always in the table, so as arguments they have no effect


def evaluate(
    runs: Sequence[str],
    overrides: Sequence[str] = (),
    page: Path | None = None,
    figures: Path | None = None,
    pictures: Path | None = None,
    calibrated: bool = False,
    num_resamples: int = 2_000,
    decodings: Sequence[str] = (),
    trusted: Sequence[str] = (),
) -> list[Row]:
    """Measures floors, runs and ceilings on the validation pictures of the first run; prints them and writes files.

    Args:
        runs: checkpoints, run folders (the newest checkpoint), sweep folders (all runs), names of floors.
        overrides: such as ``data.root=DIR``; without a run any knobs, as for training.
        page: an HTML file to write.
        figures: a JSON file to write.
        pictures: a PNG file to write.
        calibrated: add each run with the temperature that ``colourize calibrate`` fitted.
        num_resamples: of the bootstrap.
        decodings: names of additional decodings (``decoding.FORMS``). Each adds a row with the measures of pictures for
            every run, or without a run for the look-up table.
        trusted: packages with networks and sources that a checkpoint may also name.

    Raises:
        InputError: an argument that is not a run, an override that does not apply, pictures that cannot be read.
    """
    _check_outputs(page, figures, pictures)
    others = [parsed(word) for word in dict.fromkeys(decodings)]
    given = [run for run in runs if run not in FLOORS or Path(run).exists()]
    files = [file for run in given for file in checkpoint_files(run, FLOORS)]
    trained_runs = load(files, trusted)
    config = data_config(trained_runs, overrides)
    data = read(config)
    names = run_names([run.config for run in trained_runs])
    notes = _notes(names, files, trained_runs, config, data, calibrated)
    if calibrated:
        names, trained_runs = _with_calibrated(names, trained_runs, files)
    console = terminal.console()
    models = [(name, run.model) for name, run in zip(names, trained_runs, strict=True)]
    measured = _measured(yardsticks(config, data, models, others), num_resamples, console)
    title = f"{len(data.validation)} validation pictures of {_source(config)}"
    output.print_tables(measured.rows, title, console)
    sentences = [*notes, *output.comparisons(measured.rows)]
    for sentence in sentences:
        console.print(sentence)
    about = f"{title} ({len(data.train)} training pictures)"
    _write(measured, sentences, about, page, figures, pictures)
    return measured.rows


def _check_outputs(page: Path | None, figures: Path | None, pictures: Path | None) -> None:
    check_output(pictures, FIGURES)
    check_output(page, PAGES)
    check_output(figures, [".json"])


class Measured(NamedTuple):
    """All rows, the same pictures by each predictor, and the mean colourfulness of the true pictures."""

    rows: list[Row]
    strip: dict[str, Tensor]
    truth: float


def _measured(
    yardsticks: Sequence[tuple[Yardstick, list[Predictor]]], num_resamples: int, console: Console
) -> Measured:
    rows: list[Row] = []
    strip: dict[str, Tensor] = {}
    truth = 0.0
    for yardstick, predictors in yardsticks:
        index = example_index(len(yardstick.grey))
        truth = yardstick.true_colourfulness
        strip |= {"original": yardstick.originals(index)}
        for predictor in predictors:
            with console.status(f"measuring {predictor.name}"):
                rows.append(yardstick.row(predictor))
            strip[predictor.name] = yardstick.colours(predictor, index)
    return Measured(all_with_intervals(rows, num_resamples), strip, truth)


def _notes(
    names: Sequence[str],
    files: Sequence[Path],
    trained_runs: Sequence[Trained],
    config: dict[str, Any],
    pictures: Pictures,
    calibrated: bool,
) -> list[str]:
    """Warnings about the pictures: runs may have trained on some of them."""
    notes = [
        note
        for name, file, run in zip(names, files, trained_runs, strict=True)
        for note in other_pictures(name, file, run, config, pictures)
    ]
    if calibrated and config["data"].get("holdout"):
        notes.append("The temperatures were fitted to these held-out pictures; to use others, pass data.holdout=0.")
    return notes


def _write(
    measured: Measured,
    sentences: list[str],
    title: str,
    page: Path | None,
    figures: Path | None,
    pictures: Path | None,
) -> None:
    if figures is not None:
        replace_text(figures, output.as_json(measured.rows) + "\n")
    if pictures is not None:
        save(strip_figure(measured.strip), pictures)
    if page is not None:
        note = (
            f"Floors, networks and ceilings on {title}, colourize {__version__}, {date.today()}. Estimates with 95 % "
            'bootstrap intervals over pictures (that of the calibration error is biased upwards); "-": the measure '
            'does not apply; "none": it has no finite value. The pictures show the most probable class unless another '
            f"decoding is named. True pictures have a mean colourfulness of {measured.truth:.1f}."
        )
        output.write_page(page, "colourize: evaluation", note, measured.rows, sentences, measured.strip, measured.truth)


def _source(config: dict[str, Any]) -> str:
    """The source of the pictures and its settings, in words."""
    node = config["data"]
    settings = (f"{key}={node[key]}" for key in ("root", "classes", "image_size", "holdout") if node.get(key))
    return " ".join([option(node["_target_"], "data"), *settings])


def _with_calibrated(
    names: Sequence[str], trained_runs: Sequence[Trained], files: Sequence[Path]
) -> tuple[list[str], list[Trained]]:
    """Each run, followed by the same run with its fitted temperature, which is part of the name."""
    if not files:
        raise InputError("--calibrated requires a run with a temperature that colourize calibrate has fitted; pass one")
    pairs: list[tuple[str, Trained]] = []
    for name, run, file in zip(names, trained_runs, files, strict=True):
        temperature = read_temperature(file)
        model = copy.deepcopy(run.model)
        tempered = run._replace(model=Model(Tempered(model.network, temperature), model.palette, model.space))
        pairs += [(name, run), (f"{name}, T = {temperature:.3f}", tempered)]
    return [name for name, _ in pairs], [run for _, run in pairs]
