"""``colourize hints``: PSNR against the number of colour hints."""

import argparse

from colourize import imports
from colourize.cli.arguments import Commands, add_files, add_run, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize hints`` with its arguments."""
    parser = command(commands, "hints", "measure PSNR against the number of colour hints that a network gets", run)
    add_run(parser, "a checkpoint or a run folder, trained with hints=true")
    add_files(parser, "the curve")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize hints``. The import is here so that ``--help`` stays fast."""
    with imports.quick("torch"):
        from colourize.evaluation.hint_curve import curve

    curve(given.run_, given.overrides, given.figure, given.json, given.trust)
