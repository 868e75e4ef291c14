"""``colourize runs``: the run folders with their state, progress and best result."""

import argparse
from pathlib import Path

from colourize.cli.arguments import Commands, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize runs`` with its arguments."""
    parser = command(commands, "runs", "list run folders with their state, progress and best result", run)
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="folders to search, at any depth (default: outputs multirun)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line instead of the table")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize runs``. The import is here so that ``--help`` stays fast."""
    from colourize.runs import listing

    listing.show(given.folders, given.json)
