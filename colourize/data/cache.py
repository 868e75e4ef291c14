"""The cache on disk. Only this module writes to the cache folder."""

import functools
import hashlib
import json
import logging
import struct
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from colourize import files
from colourize.errors import InputError

log = logging.getLogger(__name__)


def digest(*parts: object) -> str:
    """20 hex digits that identify the parts: bytes, str, numbers, None, arrays, and lists or tuples of these.

    The digest is the same on every machine and in every run. Each part is hashed with its type and length, so
    ("ab", "c") differs from ("a", "bc"), and 1 from 1.0; numpy's numbers are hashed like Python's.

    Raises:
        TypeError: a part has another type, or is an array of objects.
    """
    return hashlib.blake2b(_tagged(parts), digest_size=10).hexdigest()


@dataclass(frozen=True)
class Stream:
    """An array given in ``parts`` along its first axis, so that the whole array is never in memory."""

    shape: tuple[int, ...]
    dtype: Any
    parts: Iterable[np.ndarray]

    def write(self, file: BinaryIO) -> None:
        """Writes the array as a ``.npy`` file."""
        header = {"descr": np.dtype(self.dtype).str, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in self.parts:
            file.write(np.ascontiguousarray(part, self.dtype).data)


def cached(
    cache_dir: str | Path,
    entry: str,
    parts: Sequence[str],
    build: Callable[[], Sequence[Any]],
    valid: Callable[..., bool] = lambda *values: True,
    mapped: bool = False,
) -> tuple[Any, ...]:
    """The values of ``build()``, read from the files ``<cache_dir>/<entry><part>`` if these exist and are valid.

    A part ends in '.npy' (an array) or '.json' (a JSON value); ``build`` returns one value for each. ``entry`` must
    identify everything that determines the values (see ``digest``). Files that cannot be read, or that
    ``valid(*values)`` rejects, are built again.

    Several processes may build the same entry, and a killed process leaves no partial file. If the folder cannot be
    written, one warning is logged and nothing is cached.

    With ``mapped`` the arrays stay on disk: ``build`` may return a ``Stream`` for each, and ``cached``
    returns memory maps of the files.

    Raises:
        InputError: with ``mapped``, the folder cannot be written.
    """
    paths = [Path(cache_dir) / f"{entry}{part}" for part in parts]
    try:
        values = tuple(_read(path, mapped) for path in paths)
        if valid(*values):
            return values
        log.warning("%s: damaged, built again", paths[0])
    except (FileNotFoundError, NotADirectoryError):
        pass
    except Exception as error:  # a damaged file can raise nearly any type, and must not stop a run
        log.warning("%s: damaged (%s), built again", paths[0], " ".join(str(error).split()))
    try:
        files.make_cache(Path(cache_dir))
    except OSError as error:
        _refuse(cache_dir, error, mapped)
    values = tuple(build())
    try:
        for path, value in zip(paths, values, strict=True):
            _write(path, value)
        return tuple(_read(path, mapped) for path in paths) if mapped else values
    except OSError as error:
        _refuse(cache_dir, error, mapped)
    return values


def scratch(shape: tuple[int, ...], folder: str | Path) -> np.ndarray:
    """A uint8 array on disk, in a file that is deleted with the array."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _refuse(cache_dir: str | Path, error: OSError, mapped: bool) -> None:
    if mapped:
        raise InputError(
            f"cache_dir={cache_dir} cannot be written ({error.strerror}), but data.mapped=true keeps the pictures "
            "there; pass another cache_dir"
        )
    _warn_once(f"cache_dir={cache_dir} cannot be written ({error.strerror}): continuing without a cache")


def cached_array(
    cache_dir: str | Path,
    entry: str,
    build: Callable[[], np.ndarray],
    valid: Callable[[np.ndarray], bool] = lambda array: True,
) -> np.ndarray:
    """``cached`` for one array, in the file ``<cache_dir>/<entry>.npy``."""
    return cached(cache_dir, entry, [".npy"], lambda: [build()], valid)[0]


def _read(path: Path, mapped: bool = False) -> Any:
    # copy on write: torch warns of read-only arrays, and the file must not change
    mode: Literal["c"] | None = "c" if mapped else None
    return np.load(path, mode, allow_pickle=False) if path.suffix == ".npy" else json.loads(path.read_bytes())


def _write(path: Path, value: Any) -> None:
    if isinstance(value, Stream):
        files.replace(path, value.write)
    elif path.suffix == ".npy":
        files.replace(path, lambda file: np.save(file, value, allow_pickle=False))
    else:
        files.replace_text(path, json.dumps(value))


@functools.cache
def _warn_once(message: str) -> None:
    log.warning(message)


def _tagged(part: object) -> bytes:
    tag, content = _content(part)
    return tag + struct.pack(">Q", len(content)) + content


def _content(part: object) -> tuple[bytes, bytes]:
    match part:
        case None:
            return b"0", b""
        case bytes():
            return b"b", part
        case str():
            return b"s", part.encode("utf-8", "surrogatepass")
        case bool() | np.bool_():
            return b"?", bytes([bool(part)])
        case int() | np.integer():
            return b"i", str(int(part)).encode()
        case float() | np.floating():
            return b"f", struct.pack(">d", part)
        case list() | tuple():
            return b"l", b"".join(map(_tagged, part))
        case np.ndarray() if not part.dtype.hasobject:
            data = np.ascontiguousarray(part).reshape(-1).view(np.uint8).data  # hashed in place, without a copy
            return b"a", _tagged(part.dtype.str) + _tagged(part.shape) + hashlib.blake2b(data).digest()
    raise TypeError(f"{type(part).__name__} has no digest; pass bytes, str, numbers, None, arrays, or lists of these")
