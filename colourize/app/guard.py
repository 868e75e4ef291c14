"""Guards the page: an ASGI layer before Gradio and our own routes that refuses requests that the page never makes."""

import asyncio
import contextlib
import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from colourize.app import rules
from colourize.app.messages import Answer, App, Body, LeftError, Receive, Scope, Send, again
from colourize.app.password import Password
from colourize.app.rules import HEARTBEAT, JOIN, OPEN, UPLOAD, RefusedError
from colourize.app.sessions import Sessions
from colourize.app.settings import LOOPBACK

log = logging.getLogger(__name__)
LARGEST_CALL = 1 << 20  # bytes of a request's body, except a photograph
MOST_OPEN, EACH = 256, 48  # requests in progress of all visitors, and of one; a page has two open streams
MOST_EVENTS, EACH_EVENTS = 512, 48  # calls whose results the pages have not yet taken: of all visitors, and of one
WRONG = 1.0  # seconds until a wrong password is refused
DROPPED = "forwarded", "x-forwarded", "x-gradio", "x-direct-url", "x-remote-user"
"""Beginnings of headers that the page never sees: it believes no proxy."""


@dataclass(frozen=True)
class Rules:
    """The rules of the guard.

    Attributes:
        port: of the page.
        any_host: whether the page is reached by names that we do not know (``--host``).
        password: of every visitor; None for none.
        largest: bytes of a photograph.
    """

    port: int
    any_host: bool = False
    password: Password | None = None
    largest: int = LARGEST_CALL

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names and ports of the page; None: any."""
        return None if self.any_host else frozenset(f"{name}:{self.port}" for name in (LOOPBACK, "localhost", "[::1]"))


class Guard:
    """Refuses hostile requests, gives each browser a secret cookie, and adds the headers of a safe page.

    Args:
        app: the page.
        allowed: the rules.
        seen: called repeatedly with a visitor's secret while its page is open.
        events: for each session, the calls whose results its page has not yet taken.
        inputs: for each of the page's calls, by its number, how many values it takes; None: not checked.
    """

    def __init__(
        self,
        app: App,
        allowed: Rules,
        seen: Callable[[str], object] = lambda secret: None,
        events: Callable[[], Mapping[str, int]] = dict,
        inputs: Mapping[int, int] | None = None,
    ) -> None:
        self.app, self.rules, self.seen, self.events, self.inputs = app, allowed, seen, events, inputs
        self.sessions = Sessions()
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with a status and one line."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})  # the page has none
        answer = Answer(send)
        try:
            visitor = await self._judged(scope, answer)
            with self._counted(visitor):
                kept = [pair for pair in scope["headers"] if not pair[0].decode("latin-1").lower().startswith(DROPPED)]
                await self._passed({**scope, "headers": kept}, receive, answer, visitor)
        except RefusedError as refused:
            answer.muted = False
            await answer.refuse(refused)
        except LeftError:
            log.debug("%s: the visitor took no more of the answer", scope["path"])

    async def _judged(self, scope: Scope, answer: Answer) -> str:
        """Checks all but the body; the visitor's secret, or "" for paths that contain nothing of a visitor."""
        headers, path = rules.headers_of(scope), scope["path"]
        rules.check_host(headers, self.rules.hosts)
        if self.rules.password is not None:
            await _checked_slowly(self.rules.password, headers)
        rules.check_path(path)
        rules.check_origin(headers, scope["method"], path)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            raise RefusedError(405, "the page uses only GET, HEAD and POST")
        rules.check_length(headers, self._most(path))
        visitor = visitor_of(headers.get("cookie", ""), self.rules.port)
        if path == "/" and visitor is None:
            made = f"{cookie_name(self.rules.port)}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Lax"
            answer.headers["set-cookie"] = made
        if path == "/" or not OPEN.fullmatch(path):
            answer.headers["cache-control"] = "no-store"
        if OPEN.fullmatch(path):
            return ""
        if visitor is None:
            raise RefusedError(403, "the page does not know this browser; allow cookies and reload the page")
        return visitor

    async def _passed(self, scope: Scope, receive: Receive, answer: Answer, visitor: str) -> None:
        """Checks sessions and body, and passes the request on."""
        path = scope["path"]
        body = Body(receive, self._most(path), lambda: setattr(answer, "muted", True))
        names = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [])
        source: Receive = body
        if path.startswith(HEARTBEAT):
            names.append(path.removeprefix(HEARTBEAT))
            answer.seen = lambda: self.seen(visitor)
        elif scope["method"] == "POST" and path != UPLOAD:
            source = again(self._checked(await body.whole(), visitor, path), receive)
        try:
            with contextlib.ExitStack() as streams:
                for name in names:
                    self.sessions.claim(visitor, name)
                    streams.enter_context(self.sessions.streaming(name))
                await self.app(scope, source, answer)
        except Exception:  # the page answers an ended body with 500 and raises
            if body.refused is None:
                raise
        if body.refused is not None:
            raise body.refused

    def _checked(self, content: bytes, visitor: str, path: str) -> bytes:
        """The body of a call, if its sessions are the visitor's and it names no file: the page's own calls never do."""
        sent = rules.parsed(content) if content else None
        for name in rules.entries(sent, "session_hash"):
            self.sessions.claim(visitor, name)
        if any(value is not None for key in ("path", "url") for value in rules.entries(sent, key)):
            raise RefusedError(403, "a call must not name a file; drop the photograph on the page")
        if path == JOIN:
            rules.check_call(sent, self.inputs)
            self._check_events(visitor)
        return content

    def _check_events(self, visitor: str) -> None:
        waiting = self.events()
        own = sum(count for name, count in waiting.items() if self.sessions.owner(name) == visitor)
        if own >= EACH_EVENTS or sum(waiting.values()) >= MOST_EVENTS:
            raise RefusedError(503, "the page is busy; try again in a moment")

    def _most(self, path: str) -> int:
        return self.rules.largest if path == UPLOAD else LARGEST_CALL

    @contextlib.contextmanager
    def _counted(self, visitor: str) -> Iterator[None]:
        if self._open.total() >= MOST_OPEN or (visitor and self._open[visitor] >= EACH):
            raise RefusedError(503, "the page is busy; try again in a moment")
        self._open[visitor] += 1
        try:
            yield
        finally:
            self._open -= Counter([visitor])  # keeps positive counts only


async def _checked_slowly(password: Password, headers: dict[str, str]) -> None:
    try:
        password.check(headers)
    except RefusedError:
        if "authorization" in headers:
            await asyncio.sleep(WRONG)
        raise


def cookie_name(port: int) -> str:
    """The name of the cookie of a page; each port has its own, because browsers send cookies to all ports."""
    return f"colourize-{port}"


def visitor_of(cookies: str, port: int) -> str | None:
    """The secret of a visitor in the header Cookie; None if the cookie is missing or malformed."""
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == cookie_name(port) and re.fullmatch(r"[\w-]{32}", value, re.ASCII):
            return value
    return None
