"""Private and undocumented names of Python's own library."""

import argparse
import atexit
import os
import sys
import threading
from typing import NoReturn

USED = (
    "argparse.ArgumentParser()._actions",
    "atexit._run_exitfuncs",
    "sys._getframe",
    "threading._shutdown",
)


def is_script(depth: int) -> bool:
    """Whether Python itself runs a module as a script or by ``-m``, and not a profiler, a debugger or another module.

    Args:
        depth: number of calls from the module to the caller of this function.
    """
    outer = sys._getframe(depth + 1).f_back
    while outer is not None and outer.f_globals.get("__name__") == "runpy":
        outer = outer.f_back
    return outer is None


def options(parser: argparse.ArgumentParser) -> list[str]:
    """The options that a parser takes, such as --html."""
    return [option for action in parser._actions for option in action.option_strings]


def leave(status: int) -> NoReturn:
    """Ends the process in Python's order, but does not free its objects.

    It waits for threads that are not daemons, calls the functions of ``atexit``, and flushes the streams.

    Raises:
        OSError, ValueError: a stream is full or closed; the process has not ended.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
