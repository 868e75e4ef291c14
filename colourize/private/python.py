"""Private and undocumented names of Python's own library."""

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn

USED = ("sys._getframe", "threading._shutdown", "atexit._run_exitfuncs")


def is_script(depth: int) -> bool:
    """Whether Python itself runs the module that called the caller's caller ... (``depth`` calls up), as a script or by
    ``-m``: not a profiler or a debugger, and not another module."""
    outer = sys._getframe(depth + 1).f_back
    while outer is not None and outer.f_globals.get("__name__") == "runpy":
        outer = outer.f_back
    return outer is None


def leave(status: int) -> NoReturn:
    """Ends the process in Python's order, without freeing its objects: waits for threads that are no daemons, calls the
    functions of ``atexit``, flushes the streams."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or None
            stream.flush()
    os._exit(status)
