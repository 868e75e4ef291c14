"""Fetches shards: each becomes an array of pictures in the cache. n pictures of a shard, S image size."""

import functools
import warnings
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colourize.data import cache
from colourize.data.in_threads import in_threads_left_behind
from colourize.data.read_files import NAMED, Found, read_content
from colourize.data.shards.index import Shard
from colourize.data.shards.samples import class_of, samples
from colourize.data.shards.store import Place
from colourize.errors import InputError
from colourize.present.bar import bar

FORMAT = 1  # increase it when the same shards would give other arrays
THREADS = 4  # shards at a time: they wait for the store more than they compute
PATIENCE = 3.0  # seconds in which cancelled downloads may end
PARTS = "-pictures.npy", "-hashes.npy", ".json"


@dataclass
class Kept:
    """A shard in the cache: pictures uint8 [n, S, S, 3], hashes uint8 [n, 16] (0 if unreadable), and its facts."""

    pictures: np.ndarray
    hashes: np.ndarray
    facts: dict[str, Any]

    @functools.cached_property
    def readable(self) -> np.ndarray:
        """Whether each picture could be read: bool [n]."""
        readable: np.ndarray = np.any(self.hashes, axis=1)
        return readable


@dataclass(frozen=True)
class Reading:
    """Fetches shards into the cache."""

    source: Place
    root: str | Path
    cache_dir: Path
    size: int
    profiles: bool

    def all(self, shards: Sequence[Shard]) -> list[Kept]:
        """The shards in their order, fetched several at a time."""
        found: dict[int, Kept] = {}
        # Pillow warns of odd metadata; the filter is global, so it is set here, outside the threads.
        ignored = warnings.catch_warnings(action="ignore")
        one = lambda row: (row, self.one(shards[row]))  # noqa: E731
        work = in_threads_left_behind(one, range(len(shards)), THREADS, PATIENCE)
        total = sum(shard.count for shard in shards)
        with ignored, bar("Reading shards", total) as show, closing(work) as results:
            try:
                for row, kept in results:
                    found[row] = kept
                    show(advance=shards[row].count)
            except BaseException:
                self.source.end()
                raise
        return [found[row] for row in range(len(shards))]

    def one(self, shard: Shard) -> Kept:
        """A shard, from the cache or fetched."""
        shape = shard.count, self.size, self.size, 3

        def valid(pictures: np.ndarray, hashes: np.ndarray, facts: Any) -> bool:
            return (
                pictures.shape == shape
                and len(hashes) == shard.count
                and facts["checksum"] == zlib.crc32(pictures.data)
            )

        def build() -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
            return self._fetched(shard, shape)

        return Kept(*cache.cached(self.cache_dir, self._entry(shard), PARTS, build, valid, mapped=True))

    def _entry(self, shard: Shard) -> str:
        return f"shard-{cache.digest(FORMAT, shard.md5, shard.count, self.size, self.profiles)}"

    def forget(self, shards: Sequence[Shard]) -> None:
        """Deletes the arrays of single shards, which the joined arrays replace."""
        for shard in shards:
            for ending in PARTS:
                (self.cache_dir / f"{self._entry(shard)}{ending}").unlink(missing_ok=True)

    def _fetched(self, shard: Shard, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        where = f"{self.root}/{shard.name}"
        pictures, found, names, classes = cache.scratch(shape, self.cache_dir), Found([b""] * shard.count), {}, []
        row = -1
        with self.source.opened(shard, self.cache_dir) as file:
            for row, (key, content) in enumerate(samples(file, where)):
                if row >= shard.count:
                    break
                classes.append(class_of(key))
                read_content(content, row, pictures, self.profiles, found)
                if row in found.unreadable or row in found.profiles or (row in found.grey and len(found.grey) <= NAMED):
                    names[row] = f"{shard.name}: {key}"
        if row + 1 != shard.count:
            more = "more" if row + 1 > shard.count else f"{row + 1:,}"
            raise InputError(
                f"{where} contains {more} pictures, but its index says {shard.count:,}; write both with colourize "
                "prepare --shards"
            )
        hashes = np.frombuffer(b"".join(each or bytes(16) for each in found.hashes), np.uint8).reshape(-1, 16)
        facts = {
            "classes": classes,
            "unreadable": [(names[row], found.unreadable[row]) for row in sorted(found.unreadable)],
            "profiles": [(names[row], found.profiles[row]) for row in sorted(found.profiles)],
            "grey": (len(found.grey), [names[row] for row in sorted(found.grey)[:NAMED]]),
            "checksum": zlib.crc32(pictures.data),
        }
        return pictures, hashes, facts
