"""A cache on disk for the columns of floors and ceilings, which are the same for all runs on the same pictures.

N images. An entry is one structured array [N] with a field "predictor/column" for each column.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from colourize import files
from colourize.data.cache import cached, digest

log = logging.getLogger(__name__)
Columns = dict[str, dict[str, Tensor]]
VERSION = 1  # part of an entry's name: increase it when a floor, a ceiling or a measure changes its numbers
LONGEST_WAIT = 600  # seconds, for another process that computes the same entry


def name_of(*parts: object) -> str:
    """An entry's name: a digest of the parts, the measures' version, torch's version and the CPU's capability."""
    where = torch.__version__, torch.backends.cpu.get_cpu_capability()
    return f"floors-{digest(VERSION, *where, *parts)}"


def kept(
    cache_dir: str | Path, entry: str, build: Callable[[], Columns], num_pictures: int, names: Sequence[str]
) -> Columns:
    """The columns [N, ...] of each predictor, from the cache, or from ``build`` if the entry is missing or damaged.

    Cached columns equal the built ones bit for bit, with the same type. If several processes need an entry at the same
    time, one builds it and the others wait.

    Args:
        cache_dir: the cache folder.
        entry: the entry's name, see ``name_of``.
        build: computes the columns by predictor and column name.
        num_pictures: N.
        names: the predictors.
    """

    def built() -> tuple[np.ndarray, dict[str, str]]:
        array = _packed(build(), num_pictures)
        return array, {"digest": _digest(array)}

    def valid(array: object, stored: object) -> bool:
        if not isinstance(array, np.ndarray) or array.shape != (num_pictures,) or not array.dtype.names:
            return False
        return stored == {"digest": _digest(array)} and {*_unpacked(array)} == {*names}

    with _alone(Path(cache_dir), entry):
        array, _ = cached(cache_dir, entry, [".npy", ".json"], built, valid)
    return _unpacked(array)


@contextlib.contextmanager
def _alone(cache_dir: Path, entry: str) -> Iterator[None]:
    """Holds an entry's lock; the operating system releases the lock of a process that ends.

    After ``LONGEST_WAIT``, or in a folder without write permission, the caller continues without the lock.
    """
    lock = FileLock(cache_dir / f".{entry}.lock")
    try:
        files.make_cache(cache_dir)  # before the lock, since only an empty folder is marked as a cache
        lock.acquire(timeout=LONGEST_WAIT)
    except Timeout:
        log.warning(
            "%s: another process is still measuring the floors and ceilings; this process measures them too", cache_dir
        )
    except (OSError, NotImplementedError):  # cached() reports a folder without write permission
        pass
    try:
        yield
    finally:
        lock.release()


def _packed(rows: Columns, num_pictures: int) -> np.ndarray:
    columns = {f"{name}/{column}": values.numpy() for name, row in rows.items() for column, values in row.items()}
    array = np.zeros(num_pictures, [(name, values.dtype, values.shape[1:]) for name, values in columns.items()])
    for name, values in columns.items():
        array[name] = values
    return array


def _unpacked(array: np.ndarray) -> Columns:
    rows: Columns = {}
    for field in array.dtype.names or ():
        name, _, column = field.rpartition("/")
        rows.setdefault(name, {})[column] = torch.from_numpy(array[field].copy())
    return rows


def _digest(array: np.ndarray) -> str:
    return digest(array, str(array.dtype.descr))
