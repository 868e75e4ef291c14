"""Guards the page: an ASGI layer before Gradio and our own routes that refuses what no visitor of the page sends."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from colourize.app.settings import LOOPBACK

LARGEST_CALL = 1 << 20  # bytes of a request's body, except a photograph
UPLOAD = "/photographs"
CLOSED = (
    *("/gradio_api/upload", "/gradio_api/proxy", "/gradio_api/stream", "/gradio_api/component_server"),
    *("/gradio_api/runs", "/gradio_api/mcp", "/gradio_api/deep_link", "/gradio_api/process_recording", "/monitoring"),
)
"""Parts of Gradio that the page does not use. ``UPLOAD`` takes photographs instead."""
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; "
        "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; worker-src 'self' blob:; "
        "connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every answer. The browser itself then asks no other address, whatever a library would load."""


@dataclass(frozen=True)
class Rules:
    """What is allowed.

    Attributes:
        port: of the page.
        any_host: whether the page is reached by names that we do not know (``--host``).
        password: of HTTP Basic authentication, with any user name; "" for none.
        largest: bytes of a photograph.
    """

    port: int
    any_host: bool = False
    password: str = field(default="", repr=False)
    largest: int = LARGEST_CALL


class Refusal(NamedTuple):
    """Why a request is not answered: the HTTP status and one line that says what to do."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


def refusal(method: str, path: str, headers: Mapping[str, str], rules: Rules) -> Refusal | None:
    """Whether a request must be refused.

    Args:
        method: of HTTP.
        path: decoded, without the query.
        headers: names in lower case.
        rules: of this page.
    """
    host = headers.get("host", "")
    names = {f"{name}:{rules.port}" for name in (LOOPBACK, "localhost", "[::1]")}
    if not rules.any_host and host not in names:  # another name that leads here: DNS rebinding
        return Refusal(403, f"this page answers at http://{LOOPBACK}:{rules.port} only")
    if rules.password and not _knows(headers.get("authorization", ""), rules.password):
        return Refusal(
            401,
            "the password is on the terminal of colourize app",
            (("www-authenticate", 'Basic realm="colourize", charset="UTF-8"'),),
        )
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return Refusal(403, "another page may not use this one; open the address itself")
    if headers.get("sec-fetch-site") == "cross-site" and method != "GET":
        return Refusal(403, "another page may not use this one; open the address itself")
    if path.startswith(CLOSED) or ".." in path.replace("\\", "/").split("/"):
        return Refusal(403, "the page has no such part")
    most = rules.largest if path == UPLOAD else LARGEST_CALL
    size = headers.get("content-length", "0")
    if not size.isdecimal() or int(size) > most:
        return Refusal(413, f"the limit is {most / 1e6:.0f} MB; send a smaller file")
    return None


def _knows(given: str, password: str) -> bool:
    """Whether an Authorization header holds the password."""
    kind, _, text = given.partition(" ")
    try:
        found = base64.b64decode(text, validate=True).decode().partition(":")[2] if kind.lower() == "basic" else ""
    except ValueError:
        return False
    return hmac.compare_digest(found.encode(), password.encode())


class Guard:
    """Applies ``refusal`` to each request, gives each browser its own secret cookie, and adds ``HEADERS``."""

    def __init__(self, app: Any, rules: Rules) -> None:
        self.app, self.rules = app, rules

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})  # the page has none
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = refusal(scope["method"], scope["path"], headers, self.rules)
        if refused is not None:
            return await _refuse(send, refused)
        name, new = cookie_name(self.rules.port), ""
        if visitor_of(headers.get("cookie", ""), self.rules.port) is None and scope["path"] == "/":
            new = f"{name}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Strict"

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(key.encode(), value.encode()) for key, value in HEADERS.items()]
                extra += [(b"set-cookie", new.encode())] if new else []
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self.app(scope, _limited(receive, scope["path"], self.rules), sent)


def _limited(receive: Any, path: str, rules: Rules) -> Any:
    """Reads a body of unknown length up to the limit; the rest counts as a lost connection."""
    most, taken = (rules.largest if path == UPLOAD else LARGEST_CALL), 0

    async def limited() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= most else {"type": "http.disconnect"}

    return limited


async def _refuse(send: Any, refused: Refusal) -> None:
    body = f"colourize: {refused.text}\n".encode()
    headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body))), *refused.headers]
    pairs = [(name.encode(), value.encode()) for name, value in (*headers, *HEADERS.items())]
    await send({"type": "http.response.start", "status": refused.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def cookie_name(port: int) -> str:
    """The name of the cookie of a page; each port has its own."""
    return f"colourize-{port}"


def visitor_of(cookies: str, port: int) -> str | None:
    """The secret of a visitor in the header Cookie; None where there is none of our form."""
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == cookie_name(port) and len(value) == 32 and value.replace("-", "").replace("_", "").isalnum():
            return value
    return None
