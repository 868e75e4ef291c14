"""Writes prepared pictures as shards, into a folder or an object store."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from colourize import files
from colourize.data.kinds import scan
from colourize.data.shards import index
from colourize.data.shards.index import Shard
from colourize.data.shards.store import bucket, explained, is_address
from colourize.errors import InputError
from colourize.present.bar import bar

SPLITS = "train", "val", "test"
BLOCK = 512  # bytes; tar pads every file to blocks


@dataclass
class Written:
    """The written shards of each split."""

    splits: dict[str, list[Shard]] = field(default_factory=dict)

    def line(self, target: str) -> str:
        """A sentence for the user."""
        shards = [shard for each in self.splits.values() for shard in each]
        pictures, size = sum(shard.count for shard in shards), sum(shard.size for shard in shards)
        return f"{pictures:,} pictures are in {len(shards):,} shards ({size / 1e6:,.1f} MB) in {target}"


def check(target: str, *apart: Path) -> None:
    """Checks before a long computation that shards can be written to a place.

    Args:
        target: a folder or s3://BUCKET/PREFIX.
        apart: folders that must neither contain it nor lie in it.

    Raises:
        InputError: a web server, a folder with other files, a link, or a folder that is not apart.
    """
    if is_address(target):
        if not target.startswith("s3://"):
            raise InputError(f"--shards must be a folder or s3://BUCKET/PREFIX, got {target}")
        bucket(target)
        return
    folder = files.expanded(target)
    for other in apart:
        inner, outer = files.place(folder), files.place(other)
        if inner.is_relative_to(outer) or outer.is_relative_to(inner):
            raise InputError(f"--shards {target} must neither be in {other} nor contain it; pass another folder")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--shards {target} is a file; pass a folder")
    others = [entry.name for entry in folder.iterdir() if not _is_ours(entry.name)] if folder.exists() else []
    if others:
        raise InputError(
            f"--shards {target} contains other files, such as {files.printable(min(others))}; pass a new folder"
        )


def write(prepared: Path, target: str, most: int) -> Written:
    """Writes the splits of a prepared folder as shards of about ``most`` bytes; the indexes last.

    The order is that of a hash of the names, so that a reader of consecutive pictures sees all classes. The same
    pictures give the same bytes.

    Raises:
        InputError: as ``check``, or the store fails.
        OSError: a folder cannot be written.
    """
    written = Written()
    put = _remote(target) if is_address(target) else _local(files.expanded(target))
    paths = {split: _ordered(prepared, split) for split in SPLITS}
    with bar("Writing shards", sum(map(len, paths.values()))) as show:
        for split, names in paths.items():
            shards = written.splits[split] = []
            for number, part in enumerate(_packed(prepared / split, names, most)):
                with tempfile.TemporaryFile() as file:
                    size, md5 = _tar(file, prepared / split, part)
                    shards.append(Shard(f"{split}-{number:05d}.tar", size, md5, len(part)))
                    put(shards[-1].name, file)
                show(advance=len(part))
    for split, shards in written.splits.items():
        if shards:
            with tempfile.TemporaryFile() as file:
                file.write(index.text(shards).encode())
                put(f"{split}.json", file)
    return written


def _is_ours(name: str) -> bool:
    split = name.partition("-")[0].partition(".")[0]
    return split in SPLITS and (index.NAME.fullmatch(name) is not None or name == f"{split}.json")


def _ordered(prepared: Path, split: str) -> list[str]:
    """Paths of a split's pictures below its folder, in a fixed order without a pattern."""
    if not (prepared / split).is_dir():
        return []
    names = scan(prepared / split, "")[0]
    return sorted(names, key=lambda name: hashlib.blake2b(os.fsencode(name), digest_size=16).digest())


def _packed(folder: Path, names: Sequence[str], most: int) -> Iterator[list[str]]:
    """The names in groups of at most ``most`` bytes in a tar file, at least one each."""
    part: list[str] = []
    total = 0
    for name in names:
        size = -(-(folder / name).stat().st_size // BLOCK) * BLOCK + BLOCK
        if part and total + size > most:
            yield part
            part, total = [], 0
        part.append(name)
        total += size
    if part:
        yield part


def _tar(file: IO[bytes], folder: Path, names: Sequence[str]) -> tuple[int, str]:
    """Writes a tar file without times and users; returns its size and MD5."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        keys: set[str] = set()
        for name in names:
            content = (folder / name).read_bytes()
            member = tarfile.TarInfo(_member(name, keys))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    size = file.tell()
    file.seek(0)
    md5 = hashlib.md5(usedforsecurity=False)
    while part := file.read(1 << 20):
        md5.update(part)
    return size, md5.hexdigest()


def _member(name: str, keys: set[str]) -> str:
    """A picture's name in its shard: without dots in its stem, where WebDataset's key would end, and unlike others."""
    path = PurePosixPath(name)
    stem = path.stem.replace(".", "_")
    key, number = str(path.with_name(stem)), 1
    while key in keys:
        number += 1
        key = str(path.with_name(f"{stem}-{number}"))
    keys.add(key)
    return f"{key}{path.suffix}"


def _local(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)

    def put(name: str, file: IO[bytes]) -> None:
        file.seek(0)
        files.check_no_links([folder / name])
        files.replace(folder / name, lambda to: _copy(file, to))

    return put


def _remote(target: str) -> Any:
    import obstore

    store = bucket(target)

    def put(name: str, file: IO[bytes]) -> None:
        file.seek(0)
        with explained(target):
            obstore.put(store, name, file)

    return put


def _copy(file: IO[bytes], to: IO[bytes]) -> None:
    while part := file.read(1 << 20):
        to.write(part)
