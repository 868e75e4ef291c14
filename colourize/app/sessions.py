"""Which visitor each session of Gradio belongs to: a session's name alone must not open another's answers."""

import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from colourize.app.rules import RefusedError

MOST = 20_000  # sessions of all visitors; the longest unused goes first
LEFT = 60.0  # seconds without an open stream after which a session's page is closed


class Sessions:
    """The owners of sessions, by the names that the visitors' browsers chose, and which of them have open streams.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._used: dict[str, float] = {}
        self._open: Counter[str] = Counter()
        self._clock = clock

    def claim(self, visitor: str, name: Any) -> None:
        """Gives a session to the visitor who names it first.

        Raises:
            RefusedError: no name, or another visitor's session.
        """
        if not isinstance(name, str) or not 1 <= len(name) <= 100:
            raise RefusedError(400, "a session must have a name of 1 to 100 letters")
        if self._owners.setdefault(name, visitor) != visitor:
            raise RefusedError(403, "this session belongs to another visitor; reload the page")
        self._owners.move_to_end(name)
        self._used[name] = self._clock()
        if len(self._owners) > MOST:
            self._used.pop(self._owners.popitem(last=False)[0])

    def owner(self, name: str) -> str | None:
        """The visitor who has a session."""
        return self._owners.get(name)

    @contextlib.contextmanager
    def streaming(self, name: str) -> Iterator[None]:
        """A stream of a claimed session, which is open meanwhile."""
        self._open[name] += 1
        try:
            yield
        finally:
            self._open -= Counter([name])  # keeps positive counts only
            if name in self._used:
                self._used[name] = self._clock()

    def is_left(self, name: str) -> bool:
        """Whether a session's page was closed ``LEFT`` seconds ago."""
        return not self._open[name] and self._clock() - self._used.get(name, -LEFT) >= LEFT
