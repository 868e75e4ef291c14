"""``colourize runs``: the run folders with their state, progress and best result."""

import argparse
import sys
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
    parser.add_argument("--tag", default="", metavar="TAG", help="only runs with this tag, which tags=[TAG] gave them")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line instead of the table")
    parser.add_argument(
        "--delete-failed", action="store_true",
        help="delete the folders of failed runs, after a question. Folders with a link, or with a file that no run "
             "writes, are kept",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="delete without the question")


def run(given: argparse.Namespace) -> None:
    """Runs ``colourize runs``. The imports are here so that ``--help`` stays fast."""
    from colourize.errors import InputError
    from colourize.runs import listing

    if given.delete_failed:
        if given.json:
            raise InputError("--json lists runs, and --delete-failed deletes some; pass one of them")
        return _delete_failed(given.folders, given.tag, given.yes)
    if given.yes:
        raise InputError("--yes answers the question of --delete-failed; pass both, or leave it out")
    listing.show(given.folders, given.json, given.tag)


def _delete_failed(folders: list[Path], tag: str, yes: bool) -> None:
    from colourize.errors import InputError
    from colourize.present import terminal
    from colourize.runs import deletion, listing

    chosen = []
    for run in listing.found(folders, tag):
        if run.state == deletion.FAILED:
            reason = deletion.obstacle(Path(run.folder))
            line = f"kept {run.folder}: {reason}" if reason else f"{run.folder}: {run.epochs} epochs; {run.error}"
            print(terminal.cleaned(line))
            chosen += [] if reason else [Path(run.folder)]
    if not chosen:
        print("no failed run to delete")
    elif yes or _agreed(f"delete {'this folder' if len(chosen) == 1 else f'these {len(chosen)} folders'}?"):
        deletion.delete_all(chosen)
    else:
        raise InputError("nothing is deleted; answer y, or pass --yes")


def _agreed(question: str) -> bool:
    """Whether a person answers yes; without a terminal nobody can."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
