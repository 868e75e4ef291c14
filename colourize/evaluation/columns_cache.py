"""What floors and ceilings measure on each picture, kept on disk: the same for every run on the same pictures.

N images. One structured array [N] holds all of it, with a field "predictor/column" for each column.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from colourize import files
from colourize.data.cache import cached, digest

log = logging.getLogger(__name__)
Columns = dict[str, dict[str, Tensor]]
VERSION = 1  # part of an entry's name: raise it when a floor, a ceiling or a measure gives other numbers
LONGEST_WAIT = 600  # seconds, for another process that measures the same


def name_of(*parts: object) -> str:
    """An entry's name: the parts, the measures' version, and what else may move their last bits."""
    where = torch.__version__, torch.backends.cpu.get_cpu_capability()
    return f"floors-{digest(VERSION, *where, *parts)}"


def kept(
    cache_dir: str | Path, entry: str, build: Callable[[], Columns], num_pictures: int, names: Sequence[str]
) -> Columns:
    """The columns of each predictor in ``names``, [N, ...], from the cache, or built where it has none or is damaged.

    What comes from the cache equals what was built, to the bit and the type. Of processes that want the same entry at
    the same time one builds it, and the others wait for it.
    """

    def built() -> tuple[np.ndarray, dict[str, str]]:
        array = _packed(build(), num_pictures)
        return array, {"digest": _digest(array)}

    def whole(array: Any, said: Any) -> bool:
        if not isinstance(array, np.ndarray) or array.shape != (num_pictures,) or not array.dtype.names:
            return False
        return said == {"digest": _digest(array)} and {*_unpacked(array)} == {*names}

    with _alone(Path(cache_dir), entry):
        array, _ = cached(cache_dir, entry, [".npy", ".json"], built, whole)
    return _unpacked(array)


@contextlib.contextmanager
def _alone(cache_dir: Path, entry: str) -> Iterator[None]:
    """Holds an entry's lock, which the operating system gives back when its holder dies.

    Who has waited for ``LONGEST_WAIT``, or cannot write to the folder, goes on without.
    """
    lock = FileLock(cache_dir / f".{entry}.lock")
    try:
        files.make_cache(cache_dir)  # first: it marks an empty folder alone
        lock.acquire(timeout=LONGEST_WAIT)
    except Timeout:
        log.warning("%s: another process still measures the floors and ceilings; this one measures them too", cache_dir)
    except (OSError, NotImplementedError):  # cached() says that a folder cannot be written
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
