"""The two streams of a request: the visitor's body, which is counted, and the page's answer, which is watched."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from colourize.app.rules import RefusedError, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATIENCE = 20.0  # seconds for the next part of a body, and until a visitor takes the next part of an answer
SLOWEST = 20_000  # bytes a second of a body, after ``PATIENCE``
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""The browser itself then refuses every address but the page's own. Gradio needs inline scripts."""
HEADERS = {
    "content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin", "cross-origin-opener-policy": "same-origin",
}  # fmt: skip


class LeftError(Exception):
    """The visitor takes no more of the answer."""


class Body:
    """The body of a request; ends it when it is too large, stops for too long, or is slower than ``SLOWEST``.

    Args:
        receive: the parts.
        most: bytes of all parts.
        end: called when the body is ended.
        patience: seconds for each part.

    Attributes:
        refused: why it was ended; None if it was not.
    """

    def __init__(self, receive: Receive, most: int, end: Callable[[], None], patience: float = PATIENCE) -> None:
        self.refused: RefusedError | None = None
        self._receive, self._most, self._end, self._patience = receive, most, end, patience
        self._count, self._more, self._waited = 0, True, 0.0

    async def __call__(self) -> Message:
        """The next part.

        Raises:
            RefusedError: the body is too large (413), or the next part did not come in time (408).
        """
        if not self._more:
            return await self._receive()
        begin = time.monotonic()
        try:
            async with asyncio.timeout(min(self._patience, self._patience + self._count / SLOWEST - self._waited)):
                message = await self._receive()
        except TimeoutError:
            self.refused = RefusedError(408, "the file stopped on its way; send it again")
            self._end()
            raise self.refused from None
        self._waited += time.monotonic() - begin  # only for the visitor, not while the page works
        self._count += len(message.get("body", b""))
        self._more = bool(message.get("more_body"))
        if self._count > self._most:
            self.refused = too_large(self._most)
            self._end()
            raise self.refused
        return message

    async def whole(self) -> bytes:
        """All parts as one; empty if the visitor left.

        Raises:
            RefusedError: as for a part.
        """
        parts = bytearray()
        while self._more:
            message = await self()
            if message["type"] == "http.disconnect":
                return b""
            parts += message.get("body", b"")
        return bytes(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """A stream that gives a body which was already read."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given


class Answer:
    """The page's answer, with the headers of a safe page. It ends when the visitor takes nothing for ``patience``.

    Args:
        send: sends a message.
        patience: seconds.

    Attributes:
        headers: added or replaced headers.
        seen: called before each part of the answer's body.
        muted: True drops the page's messages, because the guard itself answers.
    """

    def __init__(self, send: Send, patience: float = PATIENCE) -> None:
        self.headers: dict[str, str] = dict(HEADERS)
        self.seen: Callable[[], object] | None = None
        self.muted = False
        self._send, self._patience, self._begun = send, patience, False

    async def __call__(self, message: Message) -> None:
        """Sends a message of the page."""
        if self.muted:
            return
        if message["type"] == "http.response.start":
            self._begun = True
            message = {**message, "headers": _joined(message.get("headers", ()), self.headers)}
        elif self.seen is not None:
            self.seen()
        try:
            async with asyncio.timeout(self._patience):
                await self._send(message)
        except TimeoutError:
            raise LeftError from None

    async def refuse(self, refused: RefusedError) -> None:
        """Answers with a status and one line; an answer that has begun just ends."""
        if self._begun:
            return
        own = {"content-type": "text/plain; charset=utf-8", "connection": "close", "cache-control": "no-store"}
        if refused.status == 401:
            own["www-authenticate"] = 'Basic realm="colourize", charset="UTF-8"'
        headers = _joined((), HEADERS | own)
        await self._send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": f"{refused.text}\n".encode()})


def _joined(given: Any, added: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in given if name.decode("latin-1").lower() not in added]
    return kept + [(name.encode(), value.encode()) for name, value in added.items()]
