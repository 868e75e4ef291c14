"""``colourize calibrate``: fits a temperature, measures the calibration with and without it, and draws the entropy.

N pictures, H height, W width, K colours, P pixels.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from colourize.colour.spaces import enlarged
from colourize.config.instantiate import builder, short_name
from colourize.data.labelled import LabelledPictures, labelled_split, read
from colourize.data.pictures import Pictures, example_index
from colourize.errors import InputError
from colourize.evaluation import metrics, output
from colourize.evaluation.calibration import fit_temperature
from colourize.evaluation.columns import NUM_BINS
from colourize.evaluation.examples import of_classes
from colourize.evaluation.inputs import data_config, load, single_checkpoint, trained_on
from colourize.evaluation.measures import MEASURES, MODEL, Row, difference, with_intervals
from colourize.evaluation.yardstick import BATCH_VALUES
from colourize.files import check_output
from colourize.model import Model
from colourize.present import tables, terminal
from colourize.present.figures import FIGURES, entropy_figure, reliability_figure, save
from colourize.runs.checkpoint import of_run
from colourize.runs.temperature import write_temperature
from colourize.runs.trained import Trained

FIT_VALUES = 1 << 26  # largest number of logits for a fit; of more, a random part is used
SAME = 0.02  # temperatures that differ less from 1 are reported as 1
JUDGED = "cross_entropy", "ece"


class Calibrated(NamedTuple):
    """A fitted temperature, and the measures of the network without and with it on other pictures."""

    temperature: float
    before: Row
    after: Row


def calibrate(
    run: str,
    overrides: Sequence[str] = (),
    reliability: Path | None = None,
    entropy: Path | None = None,
    num_resamples: int = 2_000,
    trusted: Sequence[str] = (),
) -> Calibrated:
    """Fits a temperature to the held-out pictures of a run, stores it next to the checkpoint, and evaluates it.

    For a run folder, the last epoch is evaluated, as by ``colourize evaluate``. The best epoch, which ``colourize
    photo`` and ``export`` use, gets a temperature of its own.

    The measures are of the test split, or, without one, of the held-out pictures themselves; the output says which.

    Args:
        run: a checkpoint or a run folder.
        overrides: such as ``data.root=DIR``, if the run's pictures have moved.
        reliability: a PNG file to write, with accuracy against confidence.
        entropy: a PNG file to write, with the entropy of ten pictures.
        num_resamples: of the bootstrap.
        trusted: packages with networks and sources that the checkpoint may also name.

    Raises:
        InputError: not one run; a run without held-out pictures; other pictures than those of its training.
    """
    for figure in (reliability, entropy):
        check_output(figure, FIGURES)
    file = single_checkpoint(run)
    (trained,) = load([file], trusted)
    model, config = trained.model, data_config([trained], overrides)
    held, judged = _pictures(file, trained, config)
    fitted, measured = (_labelled(split, model, config["cache_dir"]) for split in (held, judged))
    temperature = fit_temperature(*pixels(model, fitted))
    before, after = (with_intervals(row, num_resamples) for row in rows(model, measured, temperature))
    path = write_temperature(file, temperature, len(fitted))
    kind = "test pictures" if judged is not held else "held-out pictures themselves, because there is no test split"
    console = terminal.console()
    console.print(verdict(file, temperature, len(fitted), f"{len(measured)} {kind}", before, after))
    console.print(f"written: {path}")
    if (best := of_run(Path(run)) if Path(run).is_dir() else file) != file:
        console.print(_of_best_epoch(best, fitted, trusted))
    if reliability is not None:
        save(reliability_figure({row.name: row.columns["bins"].sum(0) for row in (before, after)}), reliability)
    if entropy is not None:
        title = f"{short_name(config['model'])}, {after.name}"
        save(_unsure(model, temperature, judged.validation, measured, title), entropy)
    return Calibrated(temperature, before, after)


def _labelled(split: Pictures, model: Model, cache_dir: str) -> LabelledPictures:
    return labelled_split(split.validation, split.mapped, model.palette, cache_dir, model.space, model.stride)


def _of_best_epoch(best: Path, fitted: LabelledPictures, trusted: Sequence[str]) -> str:
    """Fits and stores the temperature of a run's best epoch; returns the line that says so."""
    (trained,) = load([best], trusted)
    temperature = fit_temperature(*pixels(trained.model, fitted))
    path = write_temperature(best, temperature, len(fitted))
    return f"written: {path}, temperature {temperature:.3f}, for photo, film and export, which use the best epoch"


def _pictures(file: Path, trained: Trained, config: dict[str, Any]) -> tuple[Pictures, Pictures]:
    """A run's pictures with the held-out ones to validate; and the same with the test split instead, if there is one.

    Raises:
        InputError: no held-out pictures, or other pictures than those of the run.
    """
    node = config["data"]
    if not node.get("holdout"):
        raise InputError(
            f"{file} was trained with holdout=0, so no held-out picture is left to fit a temperature to; train with "
            "holdout=0.1"
        )
    held = read(config)
    if not trained_on(trained, held):
        raise InputError(
            f"{file} was trained with other pictures than the present ones, perhaps with those now held out; restore "
            "its own, or pass data.root=DIR"
        )
    whole = builder("data", {**node, "holdout": 0.0})()
    # a folder without a test split still holds out a share: then these are not all pictures
    return held, whole if len(whole.train) == len(held.train) + len(held.validation) else held


def predictions(model: Model, pictures: LabelledPictures) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits [n, K, H, W] and labels [n, H, W] of all the pictures, a few at a time."""
    values = pictures.labels[0].numel() * len(model.palette)
    for part in torch.arange(len(pictures)).split(max(1, BATCH_VALUES // values)):
        grey, labels = pictures[part]
        with torch.no_grad():
            logits = model(grey).float()
        yield logits, labels


def pixels(model: Model, pictures: LabelledPictures, most: int = FIT_VALUES) -> tuple[Tensor, Tensor]:
    """Logits [P, K] and labels [P] of the pictures' pixels; of a part of them if P K would exceed ``most``.

    The part has the same number of pixels of each picture, drawn with a fixed seed.
    """
    num_colours, size = len(model.palette), pictures.labels[0].numel()
    count = min(size, max(1, most // (len(pictures) * num_colours)))
    generator = torch.Generator().manual_seed(0)
    parts = []
    for logits, labels in predictions(model, pictures):
        chosen = torch.rand(len(labels), size, generator=generator).topk(count, sorted=False).indices
        z = logits.flatten(2).gather(2, chosen[:, None].expand(-1, num_colours, -1))
        parts.append((z.transpose(1, 2).flatten(0, 1), labels.flatten(1).gather(1, chosen).flatten()))
    all_logits, all_labels = zip(*parts, strict=True)
    return torch.cat(all_logits), torch.cat(all_labels)


def rows(model: Model, pictures: LabelledPictures, temperature: float) -> tuple[Row, Row]:
    """Cross-entropy and calibration of each picture, at T = 1 and at the temperature."""
    columns: list[dict[str, list[Tensor]]] = [{"cross_entropy": [], "bins": []} for _ in range(2)]
    for logits, labels in predictions(model, pictures):
        for each, scaled in zip(columns, (logits, logits / temperature), strict=True):
            each["cross_entropy"].append(metrics.cross_entropy(scaled, labels))
            each["bins"].append(metrics.calibration_bins(scaled, labels, NUM_BINS))
    before, after = ({name: torch.cat(values) for name, values in each.items()} for each in columns)
    return Row("T = 1", MODEL, before), Row(f"T = {temperature:.3f}", MODEL, after)


def verdict(file: Path, temperature: float, num_fitted: int, judged: str, before: Row, after: Row) -> str:
    """The temperature with its meaning, and a table of both rows."""
    over_or_under = "overconfident" if temperature > 1 else "underconfident"
    meaning = "well calibrated" if abs(temperature - 1) < SAME else over_or_under
    lines = [["", *(MEASURES[key].title for key in JUDGED)]]
    for row in (before, after):
        cells = [output.shown(row.intervals[key], MEASURES[key]) for key in JUDGED]
        lines.append(
            [row.name, *(f"{value} ({low_to_high})" if low_to_high else value for value, low_to_high in cells)]
        )
    change = difference(after, before, "cross_entropy")
    assert change is not None
    return (
        f"{file}: temperature {temperature:.3f}, fitted to {num_fitted} held-out training pictures: the network was "
        f"{meaning}\n\nmeasured on {judged}, with 95 % intervals over pictures\n{tables.as_text(lines)}\n\n"
        f"change of the cross-entropy {change.estimate:+.4f} [{change.low:+.4f} to {change.high:+.4f}]; the most "
        "probable colours stay the same"
    )


def _unsure(model: Model, temperature: float, images: Tensor, pictures: LabelledPictures, title: str) -> Figure:
    """Ten pictures, the network's colours, and the entropy of each pixel at the temperature."""
    index = example_index(len(pictures))
    grey, _ = pictures[index]
    with torch.no_grad():
        logits = model(grey).float()
    rows = of_classes(model, grey, {"predicted": logits.argmax(1)})
    shown = {"grey": rows["grey"], "original": images[index].permute(0, 3, 1, 2) / 255, "predicted": rows["predicted"]}
    entropy = enlarged(metrics.entropy(logits / temperature)[:, None], grey)[:, 0]
    return entropy_figure(shown, entropy, title)
