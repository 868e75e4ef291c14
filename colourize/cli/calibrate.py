"""``colourize calibrate``: fits a temperature to a run's predicted probabilities."""

import argparse
from pathlib import Path

from colourize import imports
from colourize.cli.arguments import FIGURE, Commands, add_files, add_run, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize calibrate`` with its arguments."""
    text = (
        "fit a temperature on the held-out training pictures of a run, and write it beside the checkpoint for "
        "colourize evaluate --calibrated"
    )
    parser = command(commands, "calibrate", text, run)
    add_run(parser, "a checkpoint or a run folder, trained with holdout=0.1, for example")
    add_files(parser, "accuracy against confidence", json=False)
    parser.add_argument("--entropy", type=Path, metavar="FILE", help=f"draw the entropy of ten pictures, {FIGURE}")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize calibrate``. The import is here so that ``--help`` stays fast."""
    with imports.quick("torch"):
        from colourize.evaluation.temperature import calibrate

    calibrate(given.run_, given.overrides, given.figure, given.entropy, trusted=given.trust)
