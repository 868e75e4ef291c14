"""Starts and ends the page: the socket, the private folder, uvicorn, the browser."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from colourize import files
from colourize.app import folders
from colourize.app.guard import Guard, Rules
from colourize.app.sessions import Sessions
from colourize.app.settings import Settings
from colourize.data.read import UnreadablePicture
from colourize.errors import InputError, Interrupted, one_line
from colourize.inference import opening
from colourize.private import gradio as private

if TYPE_CHECKING:
    from colourize.app.visitors import Visitors

ENDING = 3  # seconds that open answers have when the page ends
CLEANING = 30.0  # seconds between two looks for visitors who left
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the import of gradio
# Gradio's statistics of its own calls: a table of pandas after each call, and its rows
os.environ |= {"GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000", "GRADIO_ANALYTICS_MAX_EVENTS": "100"}


def application(settings: Settings, port: int, folder: Path) -> Any:
    """The page as an ASGI application: Gradio and our own routes behind the guard.

    Args:
        settings: of the page.
        port: on which it is served.
        folder: private, for the visitors' photographs.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
    import gradio
    from fastapi import FastAPI

    from colourize.app import page, reported, routes
    from colourize.app.networks import Networks
    from colourize.app.visitors import Visitors

    reported.on_one_line()
    networks = Networks(settings.models, settings.device, settings.trusted)
    visitors = Visitors(folder / "visitors", settings, networks)

    @contextlib.asynccontextmanager
    async def cleaning(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_clean(visitors, blocks, guard.sessions))
        yield
        task.cancel()

    inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=cleaning)
    routes.add(inner, visitors, port)
    blocks = page.built(settings, visitors, port)
    allowed = Rules(port, not settings.is_local, settings.password, settings.largest)
    inputs = {number: len(call.inputs) for number, call in blocks.fns.items()}
    guard = Guard(inner, allowed, visitors.known, lambda: private.events(blocks), inputs)
    gradio.mount_gradio_app(inner, blocks, "/", footer_links=[], run_history=False, show_error=True,
                            max_file_size=1, ssr_mode=False, enable_monitoring=False, pwa=False, mcp_server=False,
                            theme=page.theme(), css_paths=[page.STATIC / "page.css"], head=page.head())  # fmt: skip
    return guard


async def _clean(visitors: "Visitors", blocks: Any, sessions: Sessions) -> None:
    """Removes the files of visitors who left, every half minute."""
    while True:
        await asyncio.sleep(CLEANING)
        await asyncio.to_thread(visitors.remove_idle)
        for name in private.sessions(blocks):
            if sessions.is_left(name):
                await private.forget(blocks, name)


def serve(settings: Settings) -> None:
    """Serves the page until a signal ends it.

    Raises:
        InputError: the address or the port cannot be used.
    """
    for path in settings.files:
        _check(path, settings.max_pixels)
    listening = bound(settings.host, settings.port)
    port = listening.getsockname()[1]
    try:
        with folders.private() as folder:
            server = running(application(settings, port, folder))
            threading.Thread(target=_announce, args=(server, settings, port), daemon=True).start()
            server.run(sockets=[listening])
    except Interrupted as stopped:
        if any(not each.daemon for each in threading.enumerate() if each is not threading.main_thread()):
            end(stopped)
        raise


def running(app: Any, ending: int = ENDING) -> Any:
    """uvicorn's server of an application; ``ending``: seconds that open answers have when it ends."""
    import uvicorn

    from colourize.private.uvicorn import Connection

    # log_config: uvicorn's own needs a standard error, which a program in the background may lack
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", server_header=False,
                            timeout_graceful_shutdown=ending, http=Connection, log_config=None)  # fmt: skip
    return uvicorn.Server(config)


def end(stopped: Interrupted) -> NoReturn:
    """Ends the process while threads are at work: they would keep it alive, and write after the folder is removed."""
    print(f"colourize: {one_line(stopped)}: unfinished photographs are dropped", file=sys.stderr, flush=True)
    os._exit(128 + signal.Signals[stopped.name])


def _check(path: Path, max_pixels: int) -> None:
    try:
        opening.extent(path, max_pixels)
    except UnreadablePicture as error:
        raise InputError(f"{files.printable(str(path))}: {error}; pass another FILE") from error


def bound(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: another program has the port, or this machine has no such address.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as closing:
            made = closing.enter_context(socket.socket(family))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            closing.pop_all()  # open from here on
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be used ({one_line(error)}); pass another --port, or --port 0"
        ) from error
    return made


def _announce(server: Any, settings: Settings, port: int) -> None:
    """Prints the address once the page answers, and opens the browser."""
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.05)
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"colourize: the page is at http://{name}:{port} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    if settings.browser:
        webbrowser.open(f"http://{'127.0.0.1' if settings.host in ('0.0.0.0', '::') else name}:{port}")
