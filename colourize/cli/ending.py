"""How a command ends: an error that the user can correct is one line on standard error, with exit status 1."""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from colourize.cli import signals
from colourize.errors import InputError, Interrupted, one_line

NO_THREAD = "can't start new thread"  # CPython's RuntimeError where the system allows no more


def on_one_line(run: Callable[[], Any], knobs: Callable[[], Iterable[str]] | None = None) -> None:
    """Runs a command.

    Args:
        run: the command.
        knobs: returns the known names, for a suggestion; by default those of training.

    Raises:
        SystemExit: with one line, if ``run`` raised an error that the user can correct. Other errors are bugs and keep
            their traceback.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises instead of printing its own abridged traceback
    signals.begin()
    _check_place()
    try:
        run()
        print(end="", flush=True)
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as error:
        print("colourize: SIGINT", file=sys.stderr)
        raise Interrupted(signal.SIGINT) from error
    except Exception as error:
        if isinstance(error, RuntimeError) and str(error) == NO_THREAD:
            sys.exit("colourize: the system starts no further thread; end other programs, or raise `ulimit -u`")
        try:
            from colourize.cli import hydra_errors  # late: imports Hydra
        except ImportError:
            _end_without_hydra(error)
        if not isinstance(error, hydra_errors.OF_THE_USER):
            raise
        sys.exit(f"colourize: {hydra_errors.with_cause(error, knobs)}")


def _check_place() -> None:
    try:
        os.getcwd()
    except OSError:  # with libraries that end the process in such a place
        sys.exit("colourize: the working directory no longer exists; change to another")


def not_installed(error: ModuleNotFoundError) -> str:
    """The line for a command that needs more packages than exported networks need."""
    return f"colourize: {error.name} is not installed; this needs all of colourize: pip install '.' in a checkout"


def _end_without_hydra(error: Exception) -> NoReturn:
    """Ends the process if only the packages for exported networks are installed (``docs/export.md``)."""
    if isinstance(error, ModuleNotFoundError):
        sys.exit(not_installed(error))
    if not isinstance(error, InputError | OSError):
        raise error
    sys.exit(f"colourize: {one_line(error)}")
