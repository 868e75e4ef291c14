"""A page that is served, and a browser: one of each for a module."""

import asyncio
import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from colourize.app import server
from colourize.app.settings import LOOPBACK, Settings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CAMERA = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PATIENCE = 60_000  # milliseconds


@contextlib.contextmanager
def served(folder: Path, settings: Settings, port: int = 0) -> Iterator[str]:
    """Serves the page in this process; gives its address."""
    listening = server.bound(LOOPBACK, port)
    port = listening.getsockname()[1]

    async def made() -> Any:  # Gradio makes locks; without a loop it would open one and leave it open
        return server.application(settings, port, folder)

    with ThreadPoolExecutor(1) as pool:
        app = pool.submit(lambda: asyncio.run(made())).result()
    running = server.running(app, 1)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        running.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private folder of the page's server."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def page_settings() -> Settings:
    """How the module's page is served; a module may have its own."""
    return Settings()


@pytest.fixture(scope="module")
def address(folder: Path, page_settings: Settings) -> Iterator[str]:
    """The address of the module's page."""
    with served(folder, page_settings) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=CAMERA)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A new visitor's page, which is loaded; ``page.asked`` lists the addresses that it requested."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    made = context.new_page()
    made.set_default_timeout(PATIENCE)
    made.asked, made.broken = [], []
    made.on("request", lambda request: made.asked.append(request.url))
    made.on("pageerror", lambda error: made.broken.append(str(error)))
    made.goto(address)
    made.wait_for_selector(".view .start")
    yield made
    print(made.locator(".view").inner_text(), made.asked[-20:], sep="\n")  # seen where a test failed
    context.close()
    assert made.broken == []
