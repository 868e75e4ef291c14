"""Signals that end a run in order, so that it is saved and can be resumed; and Ctrl-C from a command's start.

A command imports this module before all others, so it imports almost nothing. While a module is imported, no signal
raises: code in C, such as numpy's, loses the exception or turns it into another one.
"""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from colourize.errors import SIGNALS, Interrupted

LOSE = "importlib", "_frozen_importlib", "omegaconf"  # OmegaConf cleans up objects that are only half made
AGAIN = 0.05  # seconds after which a signal that came while a module was imported is looked at again
_coming = False  # whether such a signal is on its way


def leave_at_once() -> None:
    """Makes SIGINT end the process at once, until a command begins: nothing is written yet."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def begin() -> None:
    """Makes SIGINT raise ``KeyboardInterrupt`` again, except while a module is imported."""
    if signal.getsignal(signal.SIGINT) in (_leave, signal.default_int_handler):
        signal.signal(signal.SIGINT, _interrupt)


def is_free(signum: int) -> bool:
    """Whether a signal has its default action or that of a command without its own."""
    return signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler, _leave, _interrupt)


def catch() -> None:
    """Makes the signals raise ``Interrupted``, except those that the caller's shell ignores, as nohup does."""
    for signum in SIGNALS:
        if is_free(signum):
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


def import_in_turn(names: Sequence[str]) -> None:
    """Imports libraries. A signal during an import raises after the current import, not after all of them."""
    for name in names:
        __import__(name)
        if _coming:
            time.sleep(10 * AGAIN)


def _leave(signum: int, frame: Any) -> NoReturn:
    os.write(2, f"colourize: {signal.Signals(signum).name}\n".encode())
    os._exit(128 + signum)


def _interrupt(signum: int, frame: Any) -> None:
    if not _put_off(signum, frame):
        raise KeyboardInterrupt


def _raise(signum: int, frame: Any) -> None:
    if not _put_off(signum, frame):
        raise Interrupted(signum)


def _raise_once(signum: int, frame: Any) -> None:
    if _put_off(signum, frame):
        return
    for each in SIGNALS:
        if signal.getsignal(each) is _raise_once:
            signal.signal(each, lambda again, frame: end(again))
    raise Interrupted(signum)


def _put_off(signum: int, frame: Any) -> bool:
    """Whether a module is imported or OmegaConf is at work; then the signal comes again a little later."""
    global _coming
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] not in LOSE:
        frame = frame.f_back
    if frame is not None:  # a module that is being imported may hold the locks of ``threading``
        _coming = True
        _thread.start_new_thread(_send_again, (signum,))
    return frame is not None


def _send_again(signum: int) -> None:
    global _coming
    time.sleep(AGAIN)
    _coming = False
    os.kill(os.getpid(), signum)


def _of_a_thread(raised: threading.ExceptHookArgs) -> None:
    """A full disk is reported where TensorBoard's writer is flushed; its thread need not print a traceback, too."""
    if not isinstance(raised.exc_value, OSError):
        threading.__excepthook__(raised)
