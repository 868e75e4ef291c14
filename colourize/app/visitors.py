"""The visitors of the page: each has a desk of its own, which is removed when it was not used for a while."""

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from colourize.app.desk import Desk
from colourize.app.networks import Networks
from colourize.app.settings import Settings
from colourize.inference.memory import Budget, available

IDLE = 600.0  # seconds after its page was closed until a visitor's photographs are removed; an open page counts as use
MOST = 100  # visitors; a further one takes the place of the longest idle


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
        self.folder, self.settings, self.networks, self.clock = folder, settings, networks, clock
        self.budget = Budget(available() // 2)
        self._desks: dict[str, Desk] = {}
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._desks)

    def desk(self, secret: str) -> Desk:
        """The desk of a visitor, new at the first call. Idle visitors are removed."""
        self.sweep()
        with self._lock:
            if secret not in self._desks:
                if len(self._desks) >= MOST:
                    self._close(min(self._used, key=lambda each: self._used[each]))
                name = hashlib.blake2b(secret.encode(), digest_size=16).hexdigest()
                made = Desk(self.folder / name, self.networks, self.budget, self.settings.max_pixels)
                made.open(self.settings.files)
                self._desks[secret] = made
            self._used[secret] = self.clock()
            return self._desks[secret]

    def known(self, secret: str) -> Desk | None:
        """The desk of a visitor who has one."""
        with self._lock:
            if secret in self._desks:
                self._used[secret] = self.clock()
            return self._desks.get(secret)

    def sweep(self) -> None:
        """Removes visitors who were idle for ``IDLE`` seconds."""
        with self._lock:
            for secret in [each for each, used in self._used.items() if self.clock() - used > IDLE]:
                self._close(secret)

    def close(self) -> None:
        """Removes all."""
        with self._lock:
            for secret in list(self._desks):
                self._close(secret)

    def _close(self, secret: str) -> None:
        self._desks.pop(secret).close()
        del self._used[secret]
