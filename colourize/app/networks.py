"""The networks of the page, opened when first chosen and kept, and the texts of their cards."""

import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from colourize.app import trust
from colourize.errors import InputError
from colourize.inference.opened import opened
from colourize.inference.predictor import Predictor
from colourize.runs import shipped

SHIPPED = "The network that comes with colourize"


class Networks:
    """Networks by the name that the page shows.

    Args:
        paths: as ``opened`` takes them; the first one is opened at once, so that the first photograph need not wait.
        device: as for ``opened``.
        trusted: as for ``opened``.

    Raises:
        InputError: the first one cannot be opened.
    """

    def __init__(self, paths: Sequence[str], device: str = "auto", trusted: Collection[str] = ()) -> None:
        self._device, self._trusted = device, trusted
        self._paths = {name_of(path): path for path in paths}
        self._opened: dict[str, Predictor] = {}
        self._lock = threading.Lock()
        self.get(self.names[0])

    @property
    def names(self) -> list[str]:
        """The names of the networks, in the order of the command."""
        return list(self._paths)

    def path(self, name: str) -> str:
        """The value of ``--model`` for a network."""
        return self._paths[name]

    def about(self, name: str) -> str:
        """Two sentences about a network, or the reason why it cannot be used."""
        try:
            return trust.sentences(self.get(name).card, name, trust.page_of(Path(shipped.named(self._paths[name]))))
        except InputError as error:
            return str(error)

    def get(self, name: str) -> Predictor:
        """A network by its name.

        Raises:
            InputError: it cannot be opened.
        """
        with self._lock:
            if name not in self._opened:
                self._opened[name] = opened(self._paths[name], self._device, self._trusted)
            return self._opened[name]


def name_of(path: str) -> str:
    """The name that the page shows for ``--model PATH``."""
    return SHIPPED if path == shipped.NAME else path
