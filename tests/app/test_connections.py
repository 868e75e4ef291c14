"""Connections that hold up others are ended: real sockets, a small page behind uvicorn."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn

from colourize.app import server
from colourize.app.messages import Receive, Scope, Send
from colourize.private.uvicorn import Connection

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = 50_000_000


class Quick(Connection):
    most, patience = 4, 0.2
    ended = 0

    def connection_lost(self, exc: Exception | None) -> None:
        Quick.ended += 1
        super().connection_lost(exc)


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with a byte; /slow after half a second; /big with more than a socket holds."""
    await asyncio.sleep(0.5 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * (BIG if scope["path"] == "/big" else 1)})


def visits(story: Callable[..., Coroutine[Any, Any, None]]) -> None:
    async def played() -> None:
        listening = server.bound("127.0.0.1", 0)
        config = uvicorn.Config(page, http=Quick, ws="none", lifespan="off", log_level="error")
        running = uvicorn.Server(config)
        task = asyncio.create_task(running.serve([listening]))
        while not running.started:
            await asyncio.sleep(0.01)

        async def opened(text: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
            writer.write(text)
            writers.append(writer)
            return reader, writer

        writers: list[asyncio.StreamWriter] = []
        await story(opened)
        for writer in writers:
            writer.transport.abort()
        running.should_exit = True
        await task

    asyncio.run(played())


async def answered(reader: asyncio.StreamReader) -> bytes:
    """What comes within three seconds; nothing where the connection was ended."""
    try:
        return await asyncio.wait_for(reader.read(15), 3)
    except ConnectionError:
        return b""


def test_headers_that_never_end_end_the_connection_also_after_an_answer() -> None:
    async def story(opened: Any) -> None:
        reader, _writer = await opened(b"GET / HTTP/1.1\r\nHost: ")
        assert await answered(reader) == b""
        reader, writer = await opened(GET)
        assert (await answered(reader)).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HT")
        while await answered(reader):
            pass

    visits(story)


def test_a_request_in_progress_is_not_ended() -> None:
    async def story(opened: Any) -> None:
        reader, _writer = await opened(GET.replace(b"/ ", b"/slow ", 1))
        assert (await answered(reader)).startswith(b"HTTP/1.1 200")

    visits(story)


def test_too_many_connections_end_the_one_that_waited_longest_and_the_next_visitor_is_answered() -> None:
    async def story(opened: Any) -> None:
        waiting = [await opened(b"GET") for _ in range(10)]
        reader, _writer = await opened(GET)
        assert (await answered(reader)).startswith(b"HTTP/1.1 200")
        assert await answered(waiting[0][0]) == b""

    visits(story)


def test_an_answer_that_nobody_takes_ends_the_connection() -> None:
    async def story(opened: Any) -> None:
        before = Quick.ended
        reader, _writer = await opened(GET.replace(b"/ ", b"/big ", 1))
        async with asyncio.timeout(60):  # longer than a busy machine needs
            while Quick.ended == before:
                await asyncio.sleep(0.02)
        taken = 0
        try:
            while part := await asyncio.wait_for(reader.read(1 << 20), 3):
                taken += len(part)
        except ConnectionError:
            pass
        assert taken < BIG

    visits(story)
