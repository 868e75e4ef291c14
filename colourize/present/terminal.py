"""What reaches a terminal: every character that could steer one is written as its escape, whoever wrote it.

``guard`` replaces standard output and standard error, so it holds for ``print``, logging, warnings and tracebacks.
Consoles of rich, which steer the terminal themselves, come from ``console``.
"""

import logging
import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

UNSAFE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1: escape sequences and what moves the cursor
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # line separators, and bidirectional overrides that reorder a line
    "\ud800-\udfff]"  # bytes of a name that is not UTF-8, which no stream can encode
)


def clean(text: str) -> str:
    """The text with unsafe characters as ``\\u001b``, which JSON reads as the same character."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cleaned(value: Any) -> Any:
    """Plain values with every text in them ``clean`` and on one line, names included."""
    if isinstance(value, str):
        return " ".join(clean(value).splitlines())
    if isinstance(value, dict):
        return {cleaned(key): cleaned(entry) for key, entry in value.items()}
    return [cleaned(entry) for entry in value] if isinstance(value, list | tuple) else value


class Guarded:
    """A text stream behind ``clean``."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream  # where rich looks for the stream behind another
        if hasattr(stream, "reconfigure") and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")  # in other encodings than UTF-8 a table must not end the command

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def guard() -> None:
    """Puts standard output and standard error behind ``clean``; a second call changes nothing."""
    os.environ.setdefault("PYTHON_COLORS", "0")  # Python 3.13 and later would colour what ``clean`` then writes out
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream))


def raw(stream: Any) -> Any:
    """The stream behind all that stand before it, ours and rich's, for what steers the terminal itself."""
    while hasattr(stream, "rich_proxied_file"):
        stream = stream.rich_proxied_file
    return stream


class _Clean(logging.Formatter):
    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return clean(self.inner.format(record))


def guard_log_files() -> None:
    """Log files of the root logger take any text, in UTF-8, and steer no terminal that shows them."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler) and not isinstance(handler.formatter, _Clean):
            handler.setFormatter(_Clean(handler.formatter))
            handler.encoding, handler.errors = "utf-8", "backslashreplace"
            if handler.stream is not None:
                handler.stream.reconfigure(encoding=handler.encoding, errors=handler.errors)


def console(stderr: bool = False, soft_wrap: bool = True) -> "Console":
    """A console of rich for plain text without markup, behind ``clean`` as all else."""
    from rich.console import Console, ConsoleOptions, RenderableType  # late: this module is imported at every TAB
    from rich.segment import Segment

    class CleanConsole(Console):
        @property
        def file(self) -> Any:  # rich looks behind one stream only, and a bar that moves puts another before it
            return raw(super().file)

        @file.setter
        def file(self, new_file: Any) -> None:
            self._file = new_file

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(clean(segment.text), segment.style)

    return CleanConsole(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False)
