"""``colourize export``: writes a trained network as one file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from colourize import imports
from colourize.cli.arguments import Commands, add_run, command

if TYPE_CHECKING:
    from colourize.inference.export.exported import Exported, Form

FORMATS = "safetensors", "onnx", "torchscript", "openvino"


def add_parser(commands: Commands) -> None:
    """Adds ``colourize export`` with its arguments."""
    text = "write a network, its palette and its settings as one file, and a model card beside it"
    parser = command(commands, "export", text, run)
    add_run(
        parser, "a checkpoint, a run folder (its best checkpoint), or shipped: the network that comes with colourize"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file (default: RUN's name)")
    parser.add_argument(
        "--format", choices=FORMATS,
        help="safetensors (weights, which colourize.load reads), onnx (runs without torch), torchscript (for C++), "
             "openvino; by default the format of FILE's suffix",
    )  # fmt: skip
    parser.add_argument("--half", action="store_true", help="round weights to float16; safetensors and openvino")
    parser.add_argument(
        "--int8", action="store_true", help="8-bit weights and activations; onnx. The loss is measured and printed"
    )
    parser.add_argument(
        "--whole", action="store_true",
        help="a graph from a grey picture of any size to the picture in colours, for other programs; onnx, networks in "
             "lab. colourize photo does not open it",
    )  # fmt: skip
    add_card(parser)


def add_card(parser: argparse.ArgumentParser) -> None:
    """Adds ``--licence`` and ``--evaluation``, for the model card."""
    parser.add_argument("--licence", default="", metavar="TEXT", help="licence of the weights, for the model card")
    parser.add_argument(
        "--evaluation", type=Path, metavar="FILE",
        help="figures for the model card, from colourize evaluate --json (default: evaluation.json of the run)",
    )  # fmt: skip


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize export``. The imports are here so that ``--help`` stays fast."""
    from colourize import files
    from colourize.errors import InputError
    from colourize.present import terminal

    with imports.quick("torch"):
        from colourize.inference.export import exported, model_card

    form = exported.form(given.output, given.format, given.half, given.int8, given.whole)
    file = checkpoint_file(given.run_)
    path = given.output or Path(_name(file) + exported.SUFFIXES[form.format])
    files.check_output(model_card.beside(path))
    if files.place(path) == files.place(file):
        raise InputError(f"{path} is the network itself; pass another -o")
    written, page = export(file, path, form, given)
    card = model_card.write(path, page)
    size = path.stat().st_size / 1e6
    colours = f"palette of {len(written.card.palette)} colours ({written.card.space})"
    console = terminal.console()
    console.print(
        f"{files.printable(str(path))}: {size:.2f} MB; the network of {file}, its {colours} and its card",
        soft_wrap=True,
    )
    console.print(written.checked, soft_wrap=True)
    console.print(f"{files.printable(str(card))}: its model card", soft_wrap=True)


def export(file: Path, path: Path, form: "Form", given: argparse.Namespace, name: str = "") -> tuple["Exported", str]:
    """Writes the network of a checkpoint; returns the exported network, and the text of its model card.

    Args:
        file: the checkpoint.
        path: the file to write.
        form: its form.
        given: arguments of the command: ``overrides``, ``trust``, ``licence``, ``evaluation``.
        name: of the network in the card; by default the file's.
    """
    from dataclasses import replace

    from colourize.evaluation.inputs import data_config, load
    from colourize.inference.export import exported, model_card, pictures

    figures, of = _figures(given.evaluation, file)
    (trained,) = load([file], given.trust)
    config = data_config([trained], given.overrides)
    chosen = pictures.chosen(config, trained.model.about.size, bool(given.overrides))
    written = exported.export(trained, path, form, chosen, given.trust)
    if name:
        written = written._replace(card=replace(written.card, name=name))
    return written, model_card.text(written, trained, given.licence, figures, of)


def checkpoint_file(run: str) -> Path:
    """The best checkpoint of a run folder, otherwise the single checkpoint that the argument names."""
    from colourize import files
    from colourize.evaluation.inputs import single_checkpoint
    from colourize.runs import shipped
    from colourize.runs.checkpoint import BEST

    place = str(shipped.named(run))
    best = files.expanded(place) / "checkpoints" / BEST
    return best if best.is_file() else single_checkpoint(place)


def _name(file: Path) -> str:
    """The default name of the exported file: that of the run folder, or that of the checkpoint."""
    place = file.absolute()
    return place.parent.parent.name if place.parent.name == "checkpoints" else place.stem


def _figures(given: Path | None, file: Path) -> tuple[list[list[str]], str]:
    """A table of measures for the model card and a sentence about their origin; empty if the run has no figures."""
    from colourize.evaluation.stored_figures import table

    if given is not None:
        return table(given), f"From {given.name}; 95 % intervals over the pictures."
    own = file.absolute().parent.parent / "evaluation.json"
    if file.absolute().parent.name != "checkpoints" or not own.is_file():
        return [], ""
    return table(own), "Of the run after its last epoch, on its validation pictures; 95 % intervals over the pictures."
