"""A logger in a thread of its own, so that a slow or absent server never delays or ends a run."""

import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from pytorch_lightning.loggers.logger import Logger
from torch import Tensor

from colourize.errors import one_line
from colourize.training.loggers.base import RunLogger
from colourize.training.loggers.pictures import as_image

log = logging.getLogger(__name__)
FLUSH, END = 5.0, 60.0  # seconds that a checkpoint, and the end of a run, wait for a logger
WRAPPED = re.compile(r" with exception .*| \(Caused by .*")
MOST = 10_000  # calls that may wait for a server


class Remote(Protocol):
    """A run at a server or in a database. Any method may be slow, and may raise anything."""

    def metrics(self, values: dict[str, float], step: int) -> None:
        """Stores numbers by name; those that an interrupted run has already stored are left out."""

    def knobs(self, values: dict[str, Any]) -> None:
        """Stores the settings of a run."""

    def picture(self, name: str, image: np.ndarray, step: int) -> None:
        """Stores a picture, uint8 [H, W, 3]."""

    def text(self, name: str, text: str, step: int) -> None:
        """Stores a text in Markdown."""

    def viewer(self) -> tuple[str, str] | None:
        """As ``RunLogger.viewer``."""

    def close(self, status: str) -> None:
        """Ends the run. ``status``: success or failed."""


class Background(Logger, RunLogger):
    """A logger of Lightning whose calls are carried out by a thread, in order.

    An error, or a wait that is too long, is one line of the log; the run continues. Nothing is raised.

    Args:
        name: name of the logger on the command line.
        open_run: connects to the server, and finds the run of an earlier process again; called in the thread.
        viewer: a word, and the address or command that shows the run, if known before it is opened.
    """

    def __init__(self, name: str, open_run: Callable[[], Remote], viewer: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.option = name
        self.open_run = open_run
        self.known = viewer
        self.calls: queue.Queue[Callable[[Remote], object] | None] = queue.Queue(MOST)
        self.thread: threading.Thread | None = None
        self.lost = threading.Event()
        self.late = False

    @property
    def name(self) -> str:
        return self.option

    @property
    def version(self) -> str:
        return ""

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        values = {name: float(value) for name, value in metrics.items()}
        self._call(lambda run: run.metrics(values, step or 0))

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self.log_knobs(dict(params))

    def log_knobs(self, knobs: dict[str, Any]) -> None:
        self._call(lambda run: run.knobs(knobs))

    def log_picture(self, name: str, picture: Tensor, step: int) -> None:
        image = as_image(picture)
        self._call(lambda run: run.picture(name, image, step))

    def log_text(self, name: str, text: str, step: int) -> None:
        self._call(lambda run: run.text(name, text, step))

    def flush(self) -> None:
        """Waits until everything is stored, at most some seconds, and only once for a server that does not answer."""
        if self.late and not self.calls.empty():
            return
        done = threading.Event()
        self._call(lambda run: done.set())
        end = time.monotonic() + FLUSH
        while not (done.wait(0.02) or self.lost.is_set() or time.monotonic() > end):
            pass
        self.late = not done.is_set()

    def viewer(self) -> tuple[str, str] | None:
        if self.thread is not None:
            self.flush()
        return None if self.lost.is_set() else self.known

    def close(self, status: str) -> None:
        if self.thread is None:
            return
        self._call(lambda run: run.close(status))
        self._put(None)
        self.thread.join(END)
        if self.thread.is_alive() and not self.lost.is_set():
            self._lose(f"has not taken everything within {END:.0f} s of the end")
        self.thread = None
        self.lost.set()

    def _call(self, call: Callable[[Remote], object]) -> None:
        if self.lost.is_set():
            return
        if self.thread is None:
            self.thread = threading.Thread(target=self._work, name=f"logger {self.option}", daemon=True)
            self.thread.start()
        self._put(call)

    def _put(self, call: Callable[[Remote], object] | None) -> None:
        try:
            self.calls.put_nowait(call)
        except queue.Full:
            self._lose(f"has not taken {MOST:,} entries")

    def _work(self) -> None:
        try:
            run = self.open_run()
            self.known = run.viewer()
            while (call := self.calls.get()) is not None and not self.lost.is_set():
                call(run)
        except (Exception, SystemExit) as error:  # of a library, of a server: anything
            self._lose(_cause(error))

    def _lose(self, cause: str) -> None:
        if not self.lost.is_set():
            self.lost.set()
            log.warning("logger=%s: %s; the run continues without it, metrics.csv has its curves", self.option, cause)


def _cause(error: BaseException) -> str:
    """An error's text on one line; for a server that cannot be reached, with the system's reason in place of the text
    of each library between."""
    text, reason = one_line(error), error
    while (deeper := reason.__cause__ or reason.__context__) is not None:
        reason = deeper
    if reason is error or not (isinstance(reason, OSError) and reason.errno):
        return text[:300]
    return f"{WRAPPED.sub('', text)[:200]} ({one_line(reason)})"
