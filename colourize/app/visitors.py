"""The visitors of the page: each has a desk of its own, which is removed when it was not used for a while."""

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from colourize.app import room
from colourize.app.desk import Desk
from colourize.app.kept import Store
from colourize.app.networks import Networks
from colourize.app.settings import Settings
from colourize.data.memory import available
from colourize.inference.memory import Budget

IDLE = 600.0  # seconds after its page was closed until a visitor's photographs are removed; an open page counts as use
MOST = 100  # visitors; a further one takes the place of the longest idle, first of those without a photograph


class Visitors:
    """The desks by the visitors' secrets.

    Args:
        folder: private; each visitor gets a folder in it.
        settings: of the page.
        networks: to choose from.
        clock: gives seconds.
    """

    def __init__(
        self, folder: Path, settings: Settings, networks: Networks, clock: Callable[[], float] = time.monotonic
    ) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self.folder, self.settings, self.networks, self.clock = folder, settings, networks, clock
        self.room, self.store = room.Room(room.limit(folder)), Store()
        self.budget = Budget(settings.memory or available() // 2)
        self._desks: dict[str, Desk] = {}
        self._used: dict[str, float] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._desks)

    def desk(self, secret: str) -> Desk:
        """The desk of a visitor, new at the first call. Idle visitors are removed."""
        self.remove_idle()
        gone: list[Desk] = []
        with self._lock:
            found = self._desks.get(secret)
            if found is None:
                if len(self._desks) >= MOST:
                    gone.append(self._out(min(self._desks, key=self._worth)))
                found = self._desks[secret] = self._made(secret)
            self._used[secret] = self.clock()
        _close(gone)
        found.open_once(self.settings.files)
        return found

    def known(self, secret: str) -> Desk | None:
        """The desk of a visitor who has one."""
        with self._lock:
            if secret in self._desks:
                self._used[secret] = self.clock()
            return self._desks.get(secret)

    def remove_idle(self) -> None:
        """Removes visitors who were idle for ``IDLE`` seconds."""
        with self._lock:
            gone = [self._out(each) for each, used in [*self._used.items()] if self.clock() - used > IDLE]
        _close(gone)

    def close(self) -> None:
        """Removes all."""
        with self._lock:
            gone = [self._out(secret) for secret in list(self._desks)]
        _close(gone)

    def _made(self, secret: str) -> Desk:
        name = hashlib.blake2b(secret.encode(), digest_size=16).hexdigest()
        folder = self.folder / f"{name}-{next(self._numbers)}"
        return Desk(folder, self.networks, self.budget, self.settings.max_pixels, self.room, self.store)

    def _worth(self, secret: str) -> tuple[bool, float]:
        """The sort key for removal: visitors without photographs first, then the longest idle."""
        return bool(self._desks[secret].photographs), self._used[secret]

    def _out(self, secret: str) -> Desk:
        del self._used[secret]
        return self._desks.pop(secret)


def _close(desks: Iterable[Desk]) -> None:
    """Closes desks, outside the lock of all visitors, because a desk may be at work."""
    for desk in desks:
        desk.close()
