"""Signals that end a run in order, so that it is saved and can be resumed."""

import signal
import threading
from typing import Any

from colourize.errors import SIGNALS, Interrupted


def catch() -> None:
    """Makes the signals raise ``Interrupted``, except those that the caller's shell ignores, as nohup does."""
    for signum in SIGNALS:
        if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(signum, _raise)
    threading.excepthook = _of_a_thread


def release() -> None:
    """Restores the defaults once all is saved: an exception at the interpreter's end would print a traceback."""
    for signum in SIGNALS:
        if signal.getsignal(signum) is _raise:
            signal.signal(signum, signal.SIG_DFL)


def _raise(signum: int, frame: Any) -> None:
    raise Interrupted(signum)


def _of_a_thread(raised: threading.ExceptHookArgs) -> None:
    """A full disk is reported where TensorBoard's writer is flushed; its thread need not print a traceback, too."""
    if not isinstance(raised.exc_value, OSError):
        threading.__excepthook__(raised)
