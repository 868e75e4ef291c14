"""Signals that end a run in order, so that it is saved and can be resumed."""

import os
import signal
import sys
import threading
from typing import Any, NoReturn

from colourize.errors import SIGNALS, Interrupted


def catch() -> None:
    """Makes the signals raise ``Interrupted``, except those that the caller's shell ignores, as nohup does."""
    for signum in SIGNALS:
        if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(signum, _raise)
    threading.excepthook = _of_a_thread


def catch_twice() -> None:
    """As ``catch``; a second signal ends the process at once, also where threads are still at work."""
    catch()
    for signum in SIGNALS:
        if signal.getsignal(signum) is _raise:
            signal.signal(signum, _raise_once)


def end(signum: int) -> NoReturn:
    """Ends the process at once, with one line. Exceptions would wait for threads, and libraries may swallow them."""
    name = signal.Signals(signum).name
    cursor = "\r\x1b[K\x1b[?25h" if sys.stderr is not None and sys.stderr.isatty() else ""  # a bar hides it
    os.write(2, f"{cursor}colourize: second {name}: ended at once; the same command continues\n".encode())
    os._exit(128 + signum)


def release() -> None:
    """Restores the defaults once all is saved: an exception at the interpreter's end would print a traceback."""
    for signum in SIGNALS:
        if signal.getsignal(signum) in (_raise, _raise_once):
            signal.signal(signum, signal.SIG_DFL)


def _raise(signum: int, frame: Any) -> None:
    raise Interrupted(signum)


def _raise_once(signum: int, frame: Any) -> None:
    for each in SIGNALS:
        if signal.getsignal(each) is _raise_once:
            signal.signal(each, lambda again, frame: end(again))
    raise Interrupted(signum)


def _of_a_thread(raised: threading.ExceptHookArgs) -> None:
    """A full disk is reported where TensorBoard's writer is flushed; its thread need not print a traceback, too."""
    if not isinstance(raised.exc_value, OSError):
        threading.__excepthook__(raised)
