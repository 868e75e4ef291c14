"""Rules for requests to the page: pure functions of a request's headers and its path, scopes of ASGI
(https://asgi.readthedocs.io/en/latest/specs/www.html)."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

UPLOAD, VISIT, HEARTBEAT, JOIN = "/photographs", "/visit", "/gradio_api/heartbeat/", "/gradio_api/queue/join"
OPEN = re.compile(r"/|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/(assets|static|svelte)/[\w./@+-]+")
"""Paths that contain nothing of a visitor."""
OWN = re.compile(
    r"/photographs|/visit|/picture/[\w-]+|/download/[\w-]+|/config/?"
    r"|/gradio_api/(queue/(join|data)|reset|cancel|startup-events|theme\.css|info|heartbeat/[\w-]+)"
)
"""Paths of a visitor. All others are closed: Gradio's uploads and files, which it does not keep apart, its proxy, its
API for programs, recordings."""


class RefusedError(Exception):
    """The answer to a request that is not passed on: an HTTP status and one line of text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers by lower-case name.

    Raises:
        RefusedError: a header that decides about access occurs twice.
    """
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        if name in found and name in ("host", "origin", "content-length", "authorization", "sec-fetch-site"):
            raise RefusedError(400, f"the header {name} must occur once")
        found[name] = f"{found[name]}; {value.decode('latin-1')}" if name in found else value.decode("latin-1")
    return found


def check_host(headers: Mapping[str, str], hosts: Collection[str] | None) -> None:
    """Refuses a foreign ``Host``: a name of a stranger that resolves to this machine (DNS rebinding).

    Args:
        headers: headers by lower-case name.
        hosts: names and ports under which the page may be reached; None: any.

    Raises:
        RefusedError: the name is missing, or not one of these.
    """
    host = headers.get("host", "").lower()
    if not host or (hosts is not None and host not in hosts):
        raise RefusedError(421, "this address is not the page's; open the address that the command printed")


def check_origin(headers: Mapping[str, str], method: str, path: str) -> None:
    """Refuses requests that the page of another site sends. A link to the page itself may be followed; so the cookie is
    sent with it (``SameSite=Lax``), or a visitor who follows one would lose the photographs.

    Raises:
        RefusedError: ``Origin`` differs from ``Host``, or the browser names another site (``Sec-Fetch-Site``) and a
            person did not follow a link.
    """
    origin = headers.get("origin")
    own = {f"{kind}://{headers['host'].lower()}" for kind in ("http", "https")}
    link = method, path, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    if (origin is not None and origin.lower() not in own) or (foreign and link != ("GET", "/", "navigate", "document")):
        raise RefusedError(403, "another site's page must not use this page")


def check_path(path: str) -> None:
    """Refuses all paths but those that the page itself uses.

    Args:
        path: after percent-decoding.

    Raises:
        RefusedError: another path.
    """
    if not (OPEN.fullmatch(path) or OWN.fullmatch(path)) or ".." in path or "//" in path:
        raise RefusedError(404, "the page has nothing at this path")


def check_length(headers: Mapping[str, str], most: int) -> None:
    """Refuses a body whose announced length is above ``most`` bytes, before it is read.

    Raises:
        RefusedError: too long, or no number.
    """
    announced = headers.get("content-length", "0")
    if not re.fullmatch("[0-9]{1,18}", announced):
        raise RefusedError(400, "content-length must be a number of bytes")
    if int(announced) > most:
        raise too_large(most)


def too_large(most: int) -> RefusedError:
    """The answer to a body above the limit of ``most`` bytes."""
    return RefusedError(413, f"a file must have at most {most / 1e6:.0f} MB; save the picture smaller, or as JPEG")


def parsed(body: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        RefusedError: not JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body must be JSON") from None


def check_call(sent: Any, inputs: Mapping[int, int] | None) -> None:
    """Refuses a call that the page does not have, or with another number of values.

    Args:
        sent: JSON value of the call.
        inputs: how many values each call takes, by its number; None: not checked.

    Raises:
        RefusedError: no such call.
    """
    if inputs is None:
        return
    number, data = (sent.get("fn_index"), sent.get("data")) if isinstance(sent, dict) else (None, None)
    if type(number) is not int or not isinstance(data, list) or inputs.get(number) != len(data):
        raise RefusedError(400, "the page has no such call; reload it")


def entries(value: Any, key: str) -> Iterator[Any]:
    """The values of ``key`` in a JSON value, at any depth."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if key in part:
                yield part[key]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
