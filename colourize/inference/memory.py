"""Limits memory: estimates what a picture takes, and keeps all pictures in work below a limit."""

import itertools
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from colourize.errors import InputError

PER_PIXEL = 16  # bytes: RGBA as read, grey, colours and the written file; measured in docs/photographs.md
PER_WIDE_PIXEL = 40  # with 16 bits a channel
NETWORK = 500_000_000  # bytes for libraries, weights and one forward pass at the usual working sizes
_VERSION_2 = "memory.max", "memory.current", "inactive_file"  # limit, use, and the part that Linux frees on demand
_VERSION_1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
_UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def available(root: Path = Path("/")) -> int:
    """Free memory in bytes: what Linux can give without swapping, also in a container; elsewhere half of all memory.

    Args:
        root: of the file system that holds ``proc`` and ``sys``.
    """
    found = re.search(r"MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"))
    if found:
        return min([int(found[1]) * 1024, *_left_in_groups(root)])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _left_in_groups(root: Path) -> Iterator[int]:
    """Bytes left in each control group of this process that has a limit, and in those above it.

    Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst. A container may see its own group at the
    top, so folders of ``/proc/self/cgroup`` that do not exist are passed over. Systems with both versions have the
    second in ``unified``.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        kinds, _, name = rest.partition(":")
        if number != "0" and "memory" not in kinds.split(","):
            continue
        tops, version = (("", "unified"), _VERSION_2) if number == "0" else (("memory",), _VERSION_1)
        path = PurePosixPath(name.lstrip("/"))
        for top, above in itertools.product(tops, (path, *path.parents)):
            limit, used, cache = version
            folder = root / "sys/fs/cgroup" / top / above
            most, taken = _text(folder / limit).strip(), _text(folder / used).strip()
            if most.isdecimal() and taken.isdecimal():
                free = re.search(rf"^{cache} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
                yield max(0, int(most) - int(taken) + (int(free[1]) if free else 0))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def parsed(text: str) -> int:
    """Bytes of a size such as 2G, 800M or 1500000000; InputError for any other text."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if not found or not (size := int(float(found[1]) * _UNITS[found[2].upper()])):
        raise InputError(f"--max-memory must be a size such as 2G or 800M, got {text!r}")
    return size


class Budget:
    """Lets threads work on pictures while all pictures together stay below a limit in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._room = limit - NETWORK
        self._changed = threading.Condition()

    def check(self, pixels: int, wide: bool = False, samples: int = 1) -> int:
        """Bytes that a picture of ``pixels`` pixels and ``samples`` samples takes.

        Raises:
            InputError: more than the limit.
        """
        size = pixels * ((PER_WIDE_PIXEL if wide else PER_PIXEL) + (samples - 1) * (6 if wide else 3))
        if NETWORK + size > self.limit:
            raise InputError(
                f"{pixels / 1e6:.0f} megapixels take about {(NETWORK + size) / 1e9:.1f} GB, more than --max-memory "
                f"{self.limit / 1e9:.1f}G; pass a larger one, or a smaller picture"
            )
        return size

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Waits until ``size`` bytes are free, and reserves them."""
        with self._changed:
            self._changed.wait_for(lambda: self._room >= size)
            self._room -= size
        try:
            yield
        finally:
            with self._changed:
                self._room += size
                self._changed.notify_all()
