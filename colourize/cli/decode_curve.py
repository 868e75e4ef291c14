"""``colourize decode-curve``: error against colourfulness over the decoding's temperature."""

import argparse

from colourize import imports
from colourize.cli.arguments import Commands, add_files, add_run, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize decode-curve`` with its arguments."""
    text = "measure a run's pictures at decodings from the arg-max to the mean: error against colourfulness"
    parser = command(commands, "decode-curve", text, run, aliases=["decode-sweep"])  # its earlier name
    add_run(parser)
    add_files(parser, "error against colourfulness")
    parser.add_argument("--keep-grey", action="store_true", help="rgb: keep the input's grey (lab, oklab always do)")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize decode-curve``. The import is here so that ``--help`` stays fast."""
    with imports.quick("torch"):
        from colourize.evaluation.decode_curve import decode_curve

    decode_curve(given.run_, given.overrides, given.figure, given.json, given.keep_grey, trusted=given.trust)
