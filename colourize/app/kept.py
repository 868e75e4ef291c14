"""A store of values that can be computed again: scores, views, pictures. All visitors share one limit."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

MOST = 48 << 20  # bytes of all visitors; the network's scores of one photograph take 1 to 4 MB

Key = tuple[Hashable, ...]


class Store:
    """Values of all visitors; the longest unused go first.

    Args:
        most: bytes of all values; the newest is kept whatever its size.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._values: OrderedDict[Key, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Any:
        """A value, which becomes the most recent one; None if it is not kept."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Key, value: Any, size: int) -> None:
        """Keeps a value of ``size`` bytes."""
        with self._lock:
            self._drop(key)
            self._values[key] = value, size
            self._size += size
            while len(self._values) > 1 and self._size > self.most:
                self._drop(next(iter(self._values)))

    def clear(self, begin: Key) -> None:
        """Forgets the values whose keys start with ``begin``."""
        with self._lock:
            for key in [each for each in self._values if each[: len(begin)] == begin]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        self._size -= self._values.pop(key, (None, 0))[1]


class Kept:
    """The part of a store that belongs to one visitor.

    Args:
        store: of all visitors.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._owner = store, object()

    def get(self, *key: Hashable) -> Any:
        """A value; None if it is not kept."""
        return self._store.get((self._owner, *key))

    def put(self, *key: Hashable, value: Any, size: int) -> None:
        """Keeps a value of ``size`` bytes."""
        self._store.put((self._owner, *key), value, size)

    def clear(self, *begin: Hashable) -> None:
        """Forgets the values whose keys start with ``begin``; without arguments, all values."""
        self._store.clear((self._owner, *begin))
