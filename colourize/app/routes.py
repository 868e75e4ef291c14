"""Our own addresses beside Gradio's: uploads, pictures and downloads of one visitor."""

import asyncio
import logging
import mimetypes
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response

from colourize.app import download, guard, rules
from colourize.app.desk import Desk
from colourize.app.visitors import Visitors
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError, one_line

AT_ONCE, WAITING = 2, 64  # uploads that are read at a time, and that wait for them
STORED = {"cache-control": "no-store"}
log = logging.getLogger(__name__)


def add(app: FastAPI, visitors: Visitors, port: int) -> None:
    """Adds the addresses to an application."""
    turns = Turns(AT_ONCE, WAITING)

    def desk_of(request: Request) -> Desk:
        secret = guard.visitor_of(request.headers.get("cookie", ""), port)
        if secret is None:
            raise InputError("the page does not know this browser; allow cookies and reload it")
        return visitors.desk(secret)

    @app.post(rules.UPLOAD)
    async def upload(request: Request, reference: bool = False) -> Response:
        async def received() -> Response:
            desk = await run_in_threadpool(desk_of, request)
            name = urllib.parse.unquote(request.headers.get("x-name", ""))
            number, path = await run_in_threadpool(desk.place, name)
            await _store(request, path, visitors.settings.largest)
            await run_in_threadpool(desk.refer, path) if reference else await run_in_threadpool(desk.add, number, path)
            return PlainTextResponse(number, headers=STORED)

        return await turns.run(lambda: _answered(received))

    @app.get("/picture/{name}")
    async def picture(request: Request, name: str) -> Response:
        async def rendered() -> Response:
            content, kind = await run_in_threadpool(lambda: desk_of(request).picture(name))
            return Response(content, media_type=kind, headers=STORED)

        return await _answered(rendered)

    @app.get("/download/{kind}")
    async def downloaded(request: Request, kind: download.Kind) -> Response:
        async def written() -> Response:
            name, content = await run_in_threadpool(lambda: download.written(desk_of(request), kind))
            place = f"attachment; filename*=UTF-8''{urllib.parse.quote(name)}"
            return Response(
                content, media_type=mimetypes.guess_type(name)[0], headers={**STORED, "content-disposition": place}
            )

        return await _answered(written)


async def _store(request: Request, path: Path, most: int) -> None:
    """Writes the body of a request to a new file.

    Raises:
        InputError: more than ``most`` bytes; the file is removed.
    """
    size = 0
    try:
        with path.open("xb") as file:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise InputError(f"a photograph must have <= {most / 1e6:.0f} MB; send a smaller one")
                await run_in_threadpool(file.write, part)
    except BaseException:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
        raise


async def _answered(answer: Callable[[], Any]) -> Response:
    """An answer, or one line for an error of the visitor."""
    try:
        return await answer()
    except (InputError, UnreadablePicture) as error:
        return PlainTextResponse(one_line(error), 422, headers=STORED)
    except MemoryError:
        return PlainTextResponse("memory ran out; send a smaller photograph", 507, headers=STORED)


class Turns:
    """Lets a few uploads be read at a time and some wait; refuses the others.

    Args:
        at_once: uploads that are read at a time.
        waiting: uploads that wait for them.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._turn, self._most, self._here = asyncio.Semaphore(at_once), at_once + waiting, 0

    async def run(self, answer: Callable[[], Any]) -> Response:
        """The answer, once it has its turn."""
        if self._here >= self._most:
            return PlainTextResponse("too many photographs at once; wait a moment and send it again", 503,
                                     headers={"retry-after": "5"})  # fmt: skip
        self._here += 1
        try:
            async with self._turn:
                return await answer()
        finally:
            self._here -= 1
