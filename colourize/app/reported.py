"""Errors while the page is served, each on one line: any visitor can cause them, and must not fill the terminal."""

import asyncio
import logging
import sys
import traceback
from pathlib import Path

from colourize.errors import one_line, shown
from colourize.private import gradio as private

MOST = 200  # characters of an error's text; a visitor may have written it
log = logging.getLogger(__name__)


def on_one_line() -> None:
    """From now on Gradio and uvicorn report an error by one line."""
    private.report_errors(_report)
    logging.getLogger("uvicorn.error").addFilter(_shortened)


def line(error: BaseException) -> str:
    """The text of an error, and the place in the code where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"a request failed: {type(error).__name__}: {shown(one_line(error), MOST)}{place}"


def _report() -> None:
    """In place of ``traceback.print_exc``."""
    if (error := sys.exc_info()[1]) is not None:
        log.warning("%s", line(error))


def _shortened(record: logging.LogRecord) -> bool:
    """Replaces a record's traceback by a line; false for an answer that the end of the page cuts short."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args, record.exc_info = "%s", (line(error),), None
    return not isinstance(error, asyncio.CancelledError)
