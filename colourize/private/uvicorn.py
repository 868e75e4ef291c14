"""Private names of uvicorn."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

USED = ("uvicorn.protocols.http.h11_impl.H11Protocol.on_response_complete",)
PATIENCE = 20.0  # seconds for the headers of a request
MOST = 512  # connections


class Connection(H11Protocol):
    """A connection of HTTP/1.1. It ends when the headers of a request do not come in time, or a visitor never takes the
    rest of an answer; uvicorn itself waits forever. Above ``MOST`` connections, the one that has waited longest is
    closed.

    h11 limits the length of headers (64 KB), unlike httptools, which uvicorn would choose where it is installed.
    """

    most = MOST
    patience = PATIENCE
    since = 0.0
    _timer: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Begins."""
        if len(self.connections) >= self.most:
            waiting = [each for each in self.connections if isinstance(each, Connection) and each.is_waiting]
            oldest = min(waiting, key=lambda each: each.since, default=None)
            if oldest is not None:
                oldest.transport.abort()
                self.connections.discard(oldest)
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        self.since = self.loop.time()
        self._look_later()

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.patience, self._look)

    def _look(self) -> None:
        if self.is_waiting or self.transport.is_closing():
            self.transport.abort()  # not close, which would wait until the visitor has taken the last answer
        else:
            self._look_later()
