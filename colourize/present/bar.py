"""A progress bar on standard error, only where that is a terminal."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from colourize.present import terminal


@contextmanager
def bar(description: str = "", total: int | None = None, shown: bool = True) -> Iterator[Callable[..., None]]:
    """Shows a bar, the count, the time left and a text; it disappears at the end.

    Args:
        description: the text.
        total: the count at the end; None: not known yet.
        shown: False hides the bar.

    Yields:
        a function to call from any thread, with the changes as keywords: ``advance=1`` or ``completed=7``, and
        ``total`` and ``description``.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # late: 50 ms

    progress = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False),
        console=terminal.console(stderr=True), transient=True, disable=not (shown and sys.stderr.isatty()),
    )  # fmt: skip
    with progress:
        yield functools.partial(progress.update, progress.add_task(description, total=total))
