"""Which visitor each session of Gradio belongs to: a session's name alone must not open another's answers."""

from collections import OrderedDict
from typing import Any

from colourize.app.rules import RefusedError

MOST = 20_000  # sessions of all visitors; the longest unused goes first


class Sessions:
    """The owners of sessions, by the names that the visitors' browsers chose."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

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
        if len(self._owners) > MOST:
            self._owners.popitem(last=False)
