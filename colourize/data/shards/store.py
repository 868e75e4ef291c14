"""Places of shards: a folder, a web server, or an object store, through ``obstore`` (extra ``stream``).

``obstore`` retries a request after 5xx answers, timeouts and lost connections, and continues a broken download from
the byte where it ended. Keys and the address of a store come from the environment (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_SKIP_SIGNATURE), never from settings, which files keep.
"""

import contextlib
import hashlib
import os
import re
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from colourize import files
from colourize.data.shards.index import Shard
from colourize.errors import InputError, one_line, shown, to_install

RETRIES = 8  # of a request
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=0.2), timedelta(seconds=10)  # before a retry; half a minute in total
SILENCE = 30.0  # seconds without a byte after which a connection is given up
TRIES = 3  # downloads of a shard, if they break in the middle despite the retries
PART = 1 << 20  # bytes copied at a time
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")


class Place(Protocol):
    """A place with shards. ``small`` and ``opened`` raise InputError with the place, the reason and a remedy."""

    def small(self, name: str, most: int) -> bytes | None:
        """The content of a file of at most ``most`` bytes; None if the place exists and has no such file."""

    def opened(self, shard: Shard, folder: Path) -> IO[bytes]:
        """A shard's verified bytes, at their start; a download is a nameless file in ``folder``."""

    def end(self) -> None:
        """Breaks off the downloads of other threads."""


def is_address(root: str | Path) -> bool:
    """Whether the root is an address such as s3://BUCKET/PREFIX, not a folder."""
    return ADDRESS.match(str(root)) is not None


def to_type(data: Mapping[str, Any]) -> list[str]:
    """The override that a command must repeat to read a run's pictures from an address; a file may not set it.

    Args:
        data: the run's ``data`` knobs.
    """
    root = data.get("root", "")
    return [f"data.root={root}"] if is_address(root) else []


def place(root: str | Path) -> Place:
    """The place that ``data.root`` names.

    Raises:
        InputError: an address of another kind, or with a password; the extra ``stream`` is missing.
    """
    return Remote(str(root).rstrip("/"), bucket(str(root))) if is_address(root) else Folder(files.expanded(root))


@dataclass(frozen=True)
class Folder(Place):
    """Shards in a folder."""

    path: Path

    def small(self, name: str, most: int) -> bytes | None:
        if not self.path.is_dir():
            raise InputError(f"data.root={self.path} is not a folder{files.looked_at(self.path)}; pass one with shards")
        try:
            return files.read_bytes(self.path / name, most)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"{one_line(error)}; pass a folder of shards") from error

    def opened(self, shard: Shard, folder: Path) -> IO[bytes]:
        path = self.path / shard.name
        try:
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")  # never waits for a pipe
        except OSError as error:
            raise InputError(f"{path} cannot be opened ({error.strerror}), but the index lists it; copy it") from error
        status = os.fstat(file.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        return _verified(file, shard, size, str(path))

    def end(self) -> None:
        """Does nothing: a folder does not wait."""


@dataclass(frozen=True)
class Remote(Place):
    """Shards on a web server or in an object store."""

    root: str
    store: Any
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        self.ended.set()

    def small(self, name: str, most: int) -> bytes | None:
        import obstore

        try:
            with explained(self.root):
                found = obstore.get(self.store, name)
                if found.meta["size"] > most:
                    raise InputError(f"{self.root}/{name} must have <= {most:,} bytes, got {found.meta['size']:,}")
                return bytes(found.bytes())
        except _Missing:
            return None

    def opened(self, shard: Shard, folder: Path) -> IO[bytes]:
        where = f"{self.root}/{shard.name}"
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        try:
            size = self._downloaded(shard, file)
        except _Missing as error:
            file.close()
            raise InputError(f"{where} is missing, but the index lists it; copy it there") from error
        except BaseException:
            file.close()
            raise
        return _verified(file, shard, size, where)

    def _downloaded(self, shard: Shard, file: IO[bytes]) -> int:
        for _ in range(TRIES - 1):
            with contextlib.suppress(_Broken):
                return self._copy(shard, file)
        return self._copy(shard, file)

    def _copy(self, shard: Shard, file: IO[bytes]) -> int:
        """Downloads a shard; returns its size there. A wrong size is not downloaded."""
        import obstore

        file.seek(0)
        file.truncate()
        with explained(self.root):
            found = obstore.get(self.store, shard.name)
        size = int(found.meta["size"])
        if size == shard.size:
            with explained(self.root, _Broken):
                for part in found.stream(min_chunk_size=PART):
                    if self.ended.is_set():
                        raise InputError(f"{self.root}/{shard.name}: the download was broken off; the next continues")
                    file.write(part)
        return size


def bucket(root: str) -> Any:
    """The store of an address in ``obstore``, with bounded retries.

    Raises:
        InputError: as ``place``.
    """
    kind, host = root.partition("://")[0], urlsplit(root).netloc
    if kind not in ("s3", "http", "https") or not host:
        raise InputError(f"shards must be in a folder, s3://BUCKET/PREFIX or http(s)://SERVER/PATH, got {shown(root)}")
    if "@" in host or "?" in root or "#" in root:
        raise InputError(
            "the address of shards must not contain a user, a password or a query, because a run stores it; set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead"
        )
    try:
        from obstore.store import HTTPStore, S3Store
    except ModuleNotFoundError as error:
        raise InputError(f"{kind}:// requires obstore: {to_install('stream')}") from error
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
    plain = kind == "http" or (kind == "s3" and endpoint.startswith("http://"))
    options: dict[str, Any] = {
        "client_options": {
            "timeout": "1h",
            "read_timeout": f"{SILENCE:g}s",
            "connect_timeout": "10s",
            "allow_http": plain,
        },
        "retry_config": {
            "max_retries": RETRIES,
            "backoff": {"init_backoff": FIRST_PAUSE, "max_backoff": LONGEST_PAUSE},
            "retry_timeout": timedelta(hours=1),
        },
    }
    with explained(root):
        if kind == "s3":
            return S3Store(host, prefix=urlsplit(root).path.strip("/") or None, **options)
        return HTTPStore.from_url(root.rstrip("/"), **options)


class _Missing(InputError):  # noqa: N818
    """The store has no such object."""


class _Broken(InputError):  # noqa: N818
    """A download ended in the middle."""


@contextlib.contextmanager
def explained(root: str, kind: type[InputError] = InputError) -> Iterator[None]:
    """Turns every error of the client into one line: an InputError, of the given kind for a lost connection."""
    from obstore import exceptions

    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise InputError(
                f"{root}: the store has no bucket {urlsplit(root).netloc}; pass an existing one"
            ) from error
        raise _Missing(f"{root} has no such object") from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        code = re.search(r"<Code>(\w+)</Code>", str(error))
        raise InputError(
            f"{root}: the store refuses access ({code[1] if code else '401 or 403'}); set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY to keys that may do this"
        ) from error
    except exceptions.BaseError as error:
        raise kind(f"{root}: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    """The cause in a message of the client, which has many lines."""
    if "169.254.169.254" in text or "169.254.170" in text:  # asked for a machine's own keys in a cloud
        return (
            "no keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for a public bucket"
        )
    if found := re.search(r"status code: (\d{3}[ \w]*)", text):
        return f"the server answers {found[1].strip()} after {RETRIES} retries; try again later"
    if "error sending request" in text:
        return f"the server cannot be reached after {RETRIES} retries; check the address, or try again later"
    if "body error" in text or "decod" in text:
        return f"the connection broke after {RETRIES} retries; try again later"
    return f"{shown(' '.join(text.split()), 160)}; check the address"


def _verified(file: IO[bytes], shard: Shard, size: int, where: str) -> IO[bytes]:
    try:
        if size != shard.size:
            raise InputError(f"{where} has {size:,} bytes, but its index says {shard.size:,}; copy it there again")
        file.seek(0)
        md5 = hashlib.md5(usedforsecurity=False)
        while part := file.read(PART):
            md5.update(part)
        if md5.hexdigest() != shard.md5:
            raise InputError(f"{where} is damaged: its MD5 differs from that in its index; copy it there again")
        file.seek(0)
        return file
    except BaseException:
        file.close()
        raise
