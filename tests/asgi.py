"""A small page behind the guard, without Gradio, and a browser for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from colourize.app.guard import Guard, Rules
from colourize.app.messages import Message, Receive, Scope, Send

PORT = 7000
HOME = f"http://127.0.0.1:{PORT}"


class Page:
    """Repeats what it gets, and lists the requests that reach it. As FastAPI does, it answers its own errors, too."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.headers: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        self.headers += [name.decode().lower() for name, _ in scope["headers"]]
        body, more = b"", True
        try:
            while more:
                message: Message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
        except Exception:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"broken"})
            raise
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Browser(httpx.AsyncClient):
    """A visitor with its own cookies."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(transport=httpx.ASGITransport(guard), base_url=HOME)

    async def event(self, **data: object) -> int:
        """The status of the answer to an event of the page."""
        return (await self.post("/gradio_api/queue/join", json=data)).status_code


def visits(story: Callable[..., Coroutine[Any, Any, None]], people: int = 1, **options: Any) -> Page:
    """Plays a story with browsers that have opened the page; the page afterwards."""
    page = Page()

    async def played() -> None:
        guard = Guard(page, Rules(PORT, **options))
        browsers = [Browser(guard) for _ in range(people)]
        for browser in browsers:
            assert (await browser.get("/")).status_code in (200, 401)
        await story(*browsers)

    asyncio.run(played())
    return page
