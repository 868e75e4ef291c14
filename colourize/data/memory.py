"""How much memory is free on this machine."""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_VERSION_2 = "memory.max", "memory.current", "inactive_file"  # limit, use, and the part that Linux frees on demand
_VERSION_1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"


def available(root: Path = Path("/")) -> int:
    """Free memory in bytes: the memory that Linux, also in a container, can give without swapping; elsewhere, half.

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
