"""``colourize palette import``: converts the course's pickled palette into a plain file."""

import argparse
import shlex
from pathlib import Path

from colourize.cli.arguments import Commands, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize palette`` with its arguments."""
    parser = command(commands, "palette", "convert a palette file of the course", run)
    actions = parser.add_subparsers(metavar="import", required=True)
    action = actions.add_parser(
        "import", help="convert the course's pickled file into a plain one for palette=OUT",
        description="Convert the course's file, object (2,) = [array [K, 3], number], into a plain palette. No code in "
                    "it runs.",
    )  # fmt: skip
    action.add_argument("file", type=Path, metavar="FILE", help="the course's .npy file")
    action.add_argument("out", type=Path, metavar="OUT", help="a .npy file that does not exist yet")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize palette``. The import is here so that ``--help`` stays fast."""
    from colourize.colour.palette_import import import_palette

    count = import_palette(given.file, given.out)
    print(f"{given.out}: {count} colours; train with palette={shlex.quote(str(given.out))} num_colours={count}")
