"""``colourize hints``: the error of a network's pictures by the number of given colours."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from colourize.colour import hints
from colourize.colour.decoding import colours_of_classes
from colourize.colour.rgb import eight_bit
from colourize.data.labelled import LabelledPictures, read
from colourize.errors import InputError
from colourize.evaluation import quality
from colourize.evaluation.inputs import data_config, load, other_pictures, single_checkpoint
from colourize.files import check_output, replace_text
from colourize.model import Model
from colourize.present import terminal
from colourize.present.figures import FIGURES, save
from colourize.present.tables import as_text

NUMBERS = 0, 1, 2, 5, 10, 20, 50, 100, 200
SIZE = 3  # pixels: a hint in the course's 32 x 32
PIXELS = 1 << 18  # of pictures at once: the hints of a picture are as large as the picture
EVERYWHERE, CEILING = "everywhere", "true class"


def curve(
    run: str,
    overrides: Sequence[str] = (),
    figure: Path | None = None,
    figures: Path | None = None,
    trusted: Sequence[str] = (),
) -> dict[str, float]:
    """Mean PSNR in dB on the validation pictures by the number of hints of true colours; prints and draws it.

    Args:
        run: a checkpoint, or a run folder.
        overrides: such as ``data.root=DIR``.
        figure: a PNG file to write.
        figures: a JSON file to write.
        trusted: packages with networks and sources that the checkpoint may also name.

    Raises:
        InputError: ``run`` is not a single run or cannot be loaded; its network has no hints; a file cannot be written.
    """
    check_output(figure, FIGURES)
    check_output(figures, [".json"])
    file = single_checkpoint(run)
    (trained,) = load([file], trusted)
    model = trained.model
    if not getattr(model.network, "hints", False):
        raise InputError(f"{run}: {type(model.network).__name__} was trained without hints; train one with hints=true")
    config = data_config([trained], overrides)
    pictures = read(config)
    folder = config["cache_dir"] if pictures.mapped else None
    validation = LabelledPictures(pictures.validation, model.palette, folder, model.space)
    result = measured(model, validation, pictures.validation)
    _show(result, len(validation), other_pictures(run, file, trained, config, pictures))
    if figures is not None:
        replace_text(figures, json.dumps(result, indent=1) + "\n")
    if figure is not None:
        save(_drawn(result), figure)
    return result


def measured(model: Model, validation: LabelledPictures, images: Tensor) -> dict[str, float]:
    """Mean PSNR, dB, by the number of hints, with a hint at every pixel, and of the true classes, the ceiling.

    All hints of a picture are at different pixels, so numbers above the number of pixels are left out.

    Args:
        model: its network takes hints.
        validation: greys and labels of N pictures.
        images: the pictures, uint8 [N, H, W, 3].
    """
    sums: dict[str, float] = {}
    generator = torch.Generator().manual_seed(0)
    pixels = images[0, :, :, 0].numel()
    numbers = [number for number in NUMBERS if number <= pixels]
    for part in torch.arange(len(images)).split(max(1, PIXELS // pixels)):
        grey, labels = validation[part]
        colours = colours_of_classes(labels, grey, model.palette, model.space)
        true = images[part].permute(0, 3, 1, 2).float() / 255
        given = {str(number): hints.scattered(colours, number, SIZE, generator) for number in numbers}
        given[EVERYWHERE] = hints.everywhere(colours)
        shown = {name: model.predict(torch.cat((grey, hint), dim=1)) for name, hint in given.items()}
        for name, predicted in {**shown, CEILING: colours}.items():
            decoded = eight_bit(predicted).float() / 255
            sums[name] = sums.get(name, 0.0) + quality.psnr(decoded, true).double().sum().item()
    return {name: total / len(images) for name, total in sums.items()}


def _show(result: dict[str, float], count: int, notes: Sequence[str]) -> None:
    lines = [
        [f"hints of {SIZE} x {SIZE} pixels", "PSNR, dB"],
        *([name, f"{value:.2f}"] for name, value in result.items()),
    ]
    console = terminal.console(soft_wrap=False)
    console.print(f"{count} validation pictures")
    console.print(as_text(lines))
    for note in notes:
        console.print(note)


def _drawn(result: dict[str, float]) -> Figure:
    figure = Figure(figsize=(6, 3.6), layout="constrained", dpi=120)
    axes = figure.subplots()
    numbers = [number for number in NUMBERS if str(number) in result]
    axes.plot([1 + number for number in numbers], [result[str(number)] for number in numbers], marker="o")
    for name, style in ((EVERYWHERE, "--"), (CEILING, ":")):
        axes.axhline(result[name], color="0.4", linestyle=style, label=f"{name}: {result[name]:.1f} dB")
    axes.set_xscale("log")
    axes.set_xticks([1 + number for number in numbers], [str(number) for number in numbers])
    axes.minorticks_off()
    axes.set_xlabel(f"hints of {SIZE} x {SIZE} pixels per picture")
    axes.set_ylabel("PSNR, dB")
    axes.legend(frameon=False)
    return figure
