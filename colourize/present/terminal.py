"""Output to a terminal: escapes control characters, so that texts cannot control the terminal.

``guard`` replaces standard output and standard error, and so covers ``print``, logging, warnings and tracebacks.
``console`` returns a console of rich, which itself controls the terminal.
"""

import logging
import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from colourize.private.rich import Proxy, clean_console, raw

if TYPE_CHECKING:
    from rich.console import Console

UNSAFE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and newline, DEL, C1: escape sequences and cursor movement
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # line separators, and bidirectional overrides that reorder a line
    "\ud800-\udfff]"  # surrogates: bytes of names that are not UTF-8, which streams cannot encode
)


def clean(text: str) -> str:
    """The text with unsafe characters as ``\\u001b``, which JSON reads as the same character."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cleaned(value: Any) -> Any:
    """Plain values with every text ``clean`` and on one line, including keys."""
    if isinstance(value, str):
        return " ".join(clean(value).splitlines())
    if isinstance(value, dict):
        return {cleaned(key): cleaned(entry) for key, entry in value.items()}
    return [cleaned(entry) for entry in value] if isinstance(value, list | tuple) else value


class Guarded(Proxy):
    """A text stream that writes ``clean`` texts."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        if hasattr(stream, "reconfigure") and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")  # a character that the encoding lacks must not end the command

    def write(self, text: str) -> int:
        """Writes a text, ``clean``; returns the length that was passed, as callers expect."""
        self.behind.write(clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes texts one after another, ``clean``."""
        for line in lines:
            self.write(line)


def guard() -> None:
    """Applies ``clean`` to standard output and standard error; a second call has no effect."""
    os.environ.setdefault("PYTHON_COLORS", "0")  # Python 3.13 and later would write colours, which ``clean`` escapes
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream))


class _Clean(logging.Formatter):
    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return clean(self.inner.format(record))


def guard_log_files() -> None:
    """Makes log files of the root logger accept any text, in UTF-8, and escapes control characters."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler) and not isinstance(handler.formatter, _Clean):
            handler.setFormatter(_Clean(handler.formatter))
            handler.encoding, handler.errors = "utf-8", "backslashreplace"
            if handler.stream is not None:
                handler.stream.reconfigure(encoding=handler.encoding, errors=handler.errors)


def console(stderr: bool = False, soft_wrap: bool = True) -> "Console":
    """A console of rich for plain text without markup, with ``clean`` applied. In a notebook it writes as to a file."""
    in_notebook = type(raw(sys.stdout)).__module__.startswith("ipykernel.")
    notebook = {"force_jupyter": False, "force_terminal": False} if in_notebook else {}
    return clean_console(clean, stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, **notebook)
