"""``colourize evaluate RUN --photographs DIR``: a network on photographs of any size, as a table and as JSON."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from colourize.config.instantiate import short_name
from colourize.data.labelled import labelled, read
from colourize.errors import InputError, one_line
from colourize.evaluation import photograph_floors
from colourize.evaluation.calibration import halves
from colourize.evaluation.inputs import data_config, load, single_checkpoint
from colourize.evaluation.photograph_floors import Floors
from colourize.evaluation.photograph_measures import Measures
from colourize.evaluation.photograph_scores import scored
from colourize.evaluation.photograph_text import Judged, as_json, text
from colourize.evaluation.photographs import Photographs
from colourize.evaluation.recognition import Classifier, Looks, classes_of
from colourize.files import check_output, expanded, replace_text
from colourize.model import Model
from colourize.present import terminal
from colourize.runs import shipped
from colourize.runs.trained import Trained

log = logging.getLogger(__name__)


def evaluate(
    run: str,
    folder: str | Path,
    size: int | None = None,
    cut: bool = False,
    overrides: Sequence[str] = (),
    figures: Path | None = None,
    classes: Path | None = None,
    trusted: Sequence[str] = (),
    features: bool = False,
    seen: int | None = None,
) -> Photographs:
    """Measures a run on the photographs of a folder; prints a table and writes the requested file.

    The floors are fitted to the run's own training pictures; those of the shipped network are stored beside it.
    Without floors there is no skill.

    Args:
        run: a checkpoint, a run folder or ``shipped``.
        folder: of photographs.
        size: the shorter side to which they are scaled, in pixels; None: not scaled.
        cut: whether to use their centre squares.
        overrides: such as ``data.root=DIR``, the present folder of the run's pictures.
        figures: a JSON file to write.
        classes: a CSV file with the ImageNet class of each photograph, to measure also a classifier's accuracy.
        trusted: packages, besides colourize, whose networks and sources the checkpoint may name.
        features: also measure Fréchet distances of a classifier's features.
        seen: the shorter side of the network's input in pixels; None: the photograph as it is measured.

    Raises:
        InputError: ``run`` is not a single run, its palette is not chroma, a size is below 8, or there are no
            photographs.
    """
    check_output(figures, [".json"])
    for option, side in (("--size", size), ("--seen", seen)):
        if side is not None and side < 8:
            raise InputError(f"{option} must be >= 8 pixels, got {side}; pass for example {option} 128")
    file = single_checkpoint(run)
    (trained,) = load([file], trusted)
    if not trained.model.space.keeps:
        raise InputError(f"--photographs requires a network of colour_space=lab or oklab, got {file}, which is of rgb")
    beside = run == shipped.NAME and not overrides
    floors = photograph_floors.read(shipped.floors(), trained.model.palette) if beside else None
    floors = floors_of(trained, overrides) if floors is None else floors
    judged = judge(trained.model, expanded(folder), size, cut, floors, classes, features, seen)
    name = short_name(trained.config["model"])
    terminal.console(soft_wrap=True).print(text(name, judged, size, cut, seen))
    if figures is not None:
        replace_text(figures, json.dumps(as_json(judged), indent=1, allow_nan=False) + "\n")
    return judged.found


def judge(
    model: Model,
    folder: Path,
    size: int | None,
    cut: bool,
    floors: Floors | None,
    classes: Path | None = None,
    features: bool = False,
    seen: int | None = None,
) -> Judged:
    """All measures of a model on a folder, in one pass; arguments as in ``evaluate``."""
    looks = None
    if classes is not None or features:
        looks = Looks(Classifier(), None if classes is None else classes_of(classes), features)
    measures, unreadable = Measures(floors), list[tuple[str, str]]()
    for one in scored(model, folder, size, cut, unreadable, seen):
        measures.add(one)
        if looks is not None:
            looks.add(one)
    found = measures.found(folder, unreadable)
    distances, recognised = ({}, None) if looks is None else (looks.distances(), looks.recognised(folder))
    return Judged(found, halves(found.sampled), distances, recognised)


def floors_of(trained: Trained, overrides: Sequence[str]) -> Floors | None:
    """The floors of the run's own training pictures; None, with a warning, if these cannot be read."""
    model = trained.model
    try:
        config = data_config([trained], overrides)
        pictures = labelled(read(config), model.palette, config["cache_dir"], model.space, model.stride)
    except InputError as error:
        log.warning("no floors and no skill, because the run's own pictures cannot be read (%s)", one_line(error))
        return None
    return photograph_floors.fitted(pictures, config["cache_dir"])
