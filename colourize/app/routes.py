"""Our own addresses beside Gradio's: uploads, pictures and downloads of one visitor."""

import asyncio
import contextlib
import errno
import logging
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from colourize.app import download, guard, rendered, rules, shown
from colourize.app.desk import Desk
from colourize.app.remedies import on_page
from colourize.app.visitors import Visitors
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError, one_line

AT_ONCE = 2  # uploads that are read at a time, and downloads that are written
WAITING, EACH = 64, 16  # uploads or downloads that wait for them: of all visitors, and of one
STORED = {"cache-control": "no-store"}
log = logging.getLogger(__name__)


def add(app: FastAPI, visitors: Visitors, port: int) -> None:
    """Adds the addresses to an application."""
    uploads, downloads = Turns(AT_ONCE, WAITING, EACH), Turns(AT_ONCE, WAITING, EACH)

    def desk_of(request: Request) -> Desk:
        return visitors.desk(_secret(request, port))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: Exception) -> Response:
        return PlainTextResponse("the page has nothing at this path", 404)

    @app.post(rules.UPLOAD)
    async def upload(request: Request, reference: bool = False) -> Response:
        async def received() -> Response:
            with uploads.place(_secret(request, port)):
                desk = await run_in_threadpool(desk_of, request)
                number = await _taken(request, desk, visitors.settings.largest, uploads.turn, reference)
                return JSONResponse({**shown.stamp(desk), "id": number}, headers=STORED)

        return await _answered(received)

    @app.get(rules.VISIT)
    async def visit(request: Request) -> Response:
        desk = visitors.known(_secret(request, port))  # the page compares its number with that of its last answer
        return JSONResponse({"desk": "" if desk is None else desk.number}, headers=STORED)

    @app.get("/picture/{name}")
    async def picture(request: Request, name: str, of: str = "") -> Response:
        async def found() -> Response:
            content, kind = await run_in_threadpool(lambda: rendered.picture(desk_of(request), name, of))
            return Response(content, media_type=kind, headers=STORED)

        return await _answered(found)

    @app.get("/download/{kind}")
    async def downloaded(request: Request, kind: download.Kind, of: str = "") -> Response:
        async def written() -> Response:
            with downloads.place(_secret(request, port)):
                file = download.written(await run_in_threadpool(desk_of, request), kind, of)
                async with downloads.turn:
                    path = await run_in_threadpool(file.__enter__)
                return Sent(path, file)

        return await _answered(written)


class Sent(FileResponse):
    """A file as a download, which is removed once it is sent or the visitor has left."""

    def __init__(self, path: Path, file: AbstractContextManager[Path]) -> None:
        place = f"attachment; filename*=UTF-8''{urllib.parse.quote(path.name)}"
        super().__init__(path, headers={**STORED, "content-disposition": place})
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.__exit__(None, None, None)


def _secret(request: Request, port: int) -> str:
    secret = guard.visitor_of(request.headers.get("cookie", ""), port)
    if secret is None:
        raise InputError("the page does not know this browser; allow cookies and reload it")
    return secret


async def _taken(request: Request, desk: Desk, most: int, turn: asyncio.Semaphore, reference: bool) -> str:
    """Stores and reads an uploaded photograph, or reference; returns the number of the photograph.

    Raises:
        InputError, UnreadablePicture: it is refused; its file is removed.
    """
    name = urllib.parse.unquote(request.headers.get("x-name", ""))
    number, path = await run_in_threadpool(desk.place, name)
    await _store(request, desk, path, most)
    try:
        async with turn:  # not earlier: a visitor who sends slowly must not hold up the others
            await run_in_threadpool(lambda: desk.refer(path) if reference else desk.add(number, path))
    except BaseException:
        await run_in_threadpool(desk.discard, path)
        raise
    return number


async def _store(request: Request, desk: Desk, path: Path, most: int) -> None:
    """Writes the body of a request to a file of ``desk.place``.

    Raises:
        InputError: more than ``most`` bytes, or no room on the disk; the file is removed.
    """
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise InputError(f"a photograph must have <= {most / 1e6:.0f} MB; send a smaller one")
            await run_in_threadpool(desk.write, path, part)
    except BaseException:
        desk.discard(path)
        raise


async def _answered(answer: Callable[[], Any]) -> Response:
    """An answer, or one line for an error of the visitor."""
    try:
        return await answer()
    except (InputError, UnreadablePicture) as error:
        return PlainTextResponse(on_page(one_line(error)), 422, headers=STORED)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it
    except Busy:
        text = "too many photographs at once; wait a moment and send it again"
        return PlainTextResponse(text, 503, headers={"retry-after": "5"})
    except MemoryError:
        return PlainTextResponse("memory ran out; send a smaller photograph", 507, headers=STORED)
    except OSError as error:
        log.warning("%s", one_line(error))
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return PlainTextResponse("the disk of the page is full; its owner must free some of it", 507)
        return PlainTextResponse("the photograph was removed meanwhile; send it again", 410, headers=STORED)


class Busy(Exception):  # noqa: N818
    """Too much waits already."""


class Turns:
    """Lets a few requests work at a time and some wait; refuses the others.

    Args:
        at_once: requests that work at a time.
        waiting: requests that wait for them.
        each: requests of one visitor.

    Attributes:
        turn: to be entered for the work.
    """

    def __init__(self, at_once: int, waiting: int, each: int) -> None:
        self.turn, self._most, self._each = asyncio.Semaphore(at_once), at_once + waiting, each
        self._here: Counter[str] = Counter()

    @contextlib.contextmanager
    def place(self, visitor: str) -> Iterator[None]:
        """A place among those that wait.

        Raises:
            Busy: too many are here.
        """
        if self._here.total() >= self._most or self._here[visitor] >= self._each:
            raise Busy
        self._here[visitor] += 1
        try:
            yield
        finally:
            self._here -= Counter([visitor])  # keeps positive counts only
