"""What the measurements of the page share: its server, and the system's browser."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BROWSERS = "chromium", "chromium-browser", "google-chrome"


def browser_path() -> str:
    """The system's Chromium."""
    return next(filter(None, map(shutil.which, BROWSERS)))


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """The address and the process of a ``colourize app`` of its own."""
    command = [sys.executable, "-m", "colourize", "app", "--no-browser", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        yield next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line))), server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
