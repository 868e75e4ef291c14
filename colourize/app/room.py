"""Limits the disk space of the visitors' files, so that no visitor can fill the disk or take the room of all others."""

import shutil
import threading
from collections import defaultdict
from pathlib import Path

from colourize.errors import InputError

MOST = 20 << 30  # bytes of all visitors
RESERVE = 256 << 20  # bytes that stay free on the disk


def limit(folder: Path) -> int:
    """Bytes for all visitors: half of the free space on the folder's disk, at most ``MOST``."""
    return min(shutil.disk_usage(folder).free // 2, MOST)


class Room:
    """Bytes on disk, of owners and their things.

    Args:
        most: bytes of all owners. One of them takes at most half of the bytes that the others leave.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._sizes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._of: dict[str, int] = defaultdict(int)
        self._all = 0
        self._lock = threading.Lock()

    def take(self, owner: str, thing: str, size: int) -> None:
        """Adds ``size`` bytes to a thing.

        Raises:
            InputError: there is no room; nothing is added.
        """
        with self._lock:
            left = self.most - (self._all - self._of[owner])
            if 2 * (self._of[owner] + size) > left:
                raise InputError("the page has no more room on its disk; remove some of the open photographs")
            self._sizes[owner][thing] += size
            self._of[owner] += size
            self._all += size

    def give(self, owner: str, thing: str | None = None) -> None:
        """Takes a thing's bytes back; by default, all of the owner."""
        with self._lock:
            things = self._sizes[owner]
            size = sum(things.values()) if thing is None else things.pop(thing, 0)
            self._of[owner] -= size
            self._all -= size
            if thing is None or not things:
                del self._sizes[owner], self._of[owner]


def check(folder: Path) -> None:
    """Refuses new files on a disk that is nearly full.

    Raises:
        InputError: less than ``RESERVE`` bytes are free.
    """
    if shutil.disk_usage(folder).free < RESERVE:
        raise InputError("the disk of the page is nearly full; its owner must free some of it")
