"""``colourize describe``: a network's weights, outputs, connections and receptive fields."""

import argparse
from pathlib import Path

from colourize import imports
from colourize.cli.arguments import FIGURE, Commands, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize describe`` with its arguments."""
    text = "count a network's weights, outputs, connections and receptive fields"
    parser = command(commands, "describe", text, run)
    parser.add_argument(
        "overrides", nargs="*", metavar="NAME=VALUE", help="knobs, as for training: model=unet kernel=5"
    )
    parser.add_argument("--layers", type=Path, metavar="FILE", help="read a list of layers (YAML) instead of a network")
    parser.add_argument(
        "--fully-connected", action="store_true", help="replace every convolution by a fully connected layer"
    )
    parser.add_argument("--symbolic", action="store_true", help="print totals as polynomials in NIC, NF, NC")
    parser.add_argument("--field", type=Path, metavar="FILE", help=f"draw receptive fields over a landscape, {FIGURE}")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--markdown", action="store_const", const="markdown", dest="form", default="text", help="print Markdown"
    )
    form.add_argument("--json", action="store_const", const="json", dest="form", help="print JSON")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize describe``. The import is here so that ``--help`` stays fast."""
    with imports.quick("torch"):
        from colourize.course.arithmetic.description import describe

    print(describe(given.overrides, given.layers, given.fully_connected, given.symbolic, given.form, given.field))
