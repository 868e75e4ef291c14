"""The pictures in a shard, as WebDataset groups them: consecutive files with one key, the name up to its first dot."""

import itertools
import tarfile
from collections.abc import Iterator
from typing import IO, NamedTuple

from colourize.data.read import extensions
from colourize.errors import InputError

LARGEST = 1 << 29  # bytes of a picture file, as in ``colourize prepare``


class Sample(NamedTuple):
    """A sample: its key, and the content of its first picture file; b"" without one."""

    key: str
    content: bytes


def samples(file: IO[bytes], where: str) -> Iterator[Sample]:
    """The samples of a shard, in its order. Nothing is unpacked to disk, and names are only names.

    Raises:
        InputError: not a tar file, or a damaged one.
    """
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            regular = (member for member in _members(archive) if member.isreg() and not member.issparse())
            for key, group in itertools.groupby(regular, lambda member: _parts(member.name)[0]):
                contents = [_content(archive, member) for member in group if _is_picture(member)]
                yield Sample(key, next(filter(None, contents), b""))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(
            f"{where} must be a plain tar file ({error}); write it with colourize prepare --shards"
        ) from error


def class_of(key: str) -> str | None:
    """A sample's class: its first folder in lower case, as in ``data.folder``."""
    return key.split("/")[0].lower() if "/" in key else None


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := archive.next()) is not None:
        yield member
        archive.members = []  # type: ignore[attr-defined]  # tarfile would keep every member


def _parts(name: str) -> tuple[str, str]:
    """The key and the ending of a name: ``a/b.c.jpg`` gives ``a/b`` and ``.c.jpg``."""
    folder, slash, base = name.rpartition("/")
    stem, dot, ending = base.partition(".")
    return folder + slash + stem, dot + ending


def _is_picture(member: tarfile.TarInfo) -> bool:
    return f".{_parts(member.name)[1].rpartition('.')[2].lower()}" in extensions() and member.size <= LARGEST


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    return opened.read() if opened else b""
