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
    """A command that is the whole process: to free its objects at the end would take a second and more.

    Under another program, such as a profiler, which then writes its results, and after an exception other than
    ``SystemExit``, Python ends as always.
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
    if not (isinstance(status, int | None) and _are_flushed()):
        sys.exit(status)
    for signum in SIGNALS:
        if callable(signal.getsignal(signum)):  # all is written
            signal.signal(signum, signal.SIG_DFL)
    python.leave(status or 0)


def _are_flushed() -> bool:
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # closed or full: Python says so at its end, in its own words
        return False
    return True
