"""``colourize report``: the results of a sweep as a page, Markdown and CSV."""

import argparse
from pathlib import Path

from colourize import imports
from colourize.cli.arguments import Commands, command


def add_parser(commands: Commands) -> None:
    """Adds ``colourize report`` with its arguments."""
    text = "write a sweep's results as a page, Markdown and CSV: tables over seeds, curves, pictures, failed jobs"
    parser = command(commands, "report", text, run)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="of sweeps or runs, at any depth")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the page (default: FOLDER/report.html)")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE",
        help="the same as Markdown, with its charts in a folder beside it (default: FOLDER/report.md)",
    )  # fmt: skip
    parser.add_argument("--csv", type=Path, metavar="FILE", help="one row for each job (default: FOLDER/report.csv)")
    parser.add_argument("--pictures", action="store_true", help="put pictures into the Markdown, too")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize report``. The import is here so that ``--help`` stays fast."""
    with imports.quick("torch"):
        from colourize.report.written import report

    report(given.folders, given.html, given.markdown, given.csv, given.pictures)
