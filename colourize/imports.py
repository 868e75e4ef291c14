"""Imports of large libraries, without Python's garbage collector."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick(library: str) -> Iterator[None]:
    """Imports inside the context take a quarter less time, and later collections are shorter.

    The libraries of a run make a million objects that stay until the process ends. The collector would visit them again
    and again while they are made, and later, and find nothing to free. The context stops it, and then tells it to
    ignore what exists (``gc.freeze``). Inside the context nothing but imports takes place.

    Args:
        library: the largest one. Without effect if it is imported already: then objects that are no longer needed may
            exist, such as those of an earlier run, and would never be freed.
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
