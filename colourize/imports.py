"""Imports of large libraries, without Python's garbage collector."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick(library: str) -> Iterator[None]:
    """Imports inside the context take a quarter less time, and later collections are shorter.

    The libraries of a run make a million objects that stay until the process ends. The collector would visit them again
    and again while they are made, and later, and find nothing to free. The context stops it, and then makes it ignore
    the existing objects (``gc.freeze``). Use it only for objects that stay until the process ends: modules, a network.

    Args:
        library: the largest library. If it is imported already, the context has no effect, because the process may hold
            objects that it no longer needs, such as those of an earlier run, and would then never free them.
    """
    if library in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
