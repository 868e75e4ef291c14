"""How a command ends: an error that the user can correct is one line on standard error, with exit status 1."""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

from colourize.errors import Interrupted


def on_one_line(run: Callable[[], Any], knobs: Callable[[], Iterable[str]] | None = None) -> None:
    """Runs a command.

    Args:
        run: the command.
        knobs: names among which the nearest to an unknown name is looked for; those of training by default.

    Raises:
        SystemExit: with one line, where ``run`` raised an error that the user can correct. Other errors are bugs and
            pass through with their traceback.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises instead of printing its own abridged traceback
    try:
        run()
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as error:
        print("colourize: SIGINT", file=sys.stderr)
        raise Interrupted(signal.SIGINT) from error
    except Exception as error:
        from colourize.cli import hydra_errors  # late: imports Hydra

        if not isinstance(error, hydra_errors.OF_THE_USER):
            raise
        sys.exit(f"colourize: {hydra_errors.with_cause(error, knobs)}")
