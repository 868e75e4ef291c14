"""The first module of ``colourize`` and of ``train.py``: it handles Ctrl-C before it imports the rest."""

import signal
import sys
from collections.abc import Callable

from colourize.cli import signals
from colourize.errors import SIGNALS
from colourize.private import python


def main() -> None:
    """``colourize COMMAND ...``, with the arguments of ``sys.argv``."""
    signals.leave_at_once()
    from colourize.cli import commands

    commands.run()


def train() -> None:
    """``python train.py NAME=VALUE ...``, with the arguments of ``sys.argv``."""
    signals.leave_at_once()
    from colourize.cli.train import train

    train()


def program(command: Callable[[], None] = main) -> None:
    """Runs a command as the whole process, and does not free its objects at the end, which would take a second or more.

    Other exceptions than ``SystemExit`` end Python as usual. So does a command inside another program, such as a
    profiler, which then writes its results.
    """
    if not python.is_script(depth=1):
        return command()
    status: str | int | None = None
    try:
        command()
    except SystemExit as error:
        status = error.code
    if isinstance(status, str) and sys.stderr is not None:
        print(status, file=sys.stderr)
        status = 1
    if not isinstance(status, int | None):
        sys.exit(status)
    for signum in SIGNALS:
        if callable(signal.getsignal(signum)):  # all is written
            signal.signal(signum, signal.SIG_DFL)
    try:
        python.leave(status or 0)
    except (OSError, ValueError):  # Python reports a full or closed stream at its end, in its own words
        sys.exit(status)
