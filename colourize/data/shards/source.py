"""Shards of pictures as a data source. N images, n pictures of a shard, S image size.

Each shard is fetched once, in any order, and becomes an array in the cache; at the end these are joined to one array
for each split, in the order of the index. So training reads memory-mapped files, as from a folder with
``data.mapped=true``, and batches, resumption and several processes work as there. A killed preparation continues with
the shards that it lacks.
"""

import functools
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from colourize import files
from colourize.config import knobs
from colourize.data import cache
from colourize.data.classes import check_validation_classes
from colourize.data.folder import parts
from colourize.data.pictures import Pictures, held_out
from colourize.data.read_files import NAMED, Report, log_faults
from colourize.data.shards import index
from colourize.data.shards.fetching import FORMAT, Kept, Reading
from colourize.data.shards.index import Shard
from colourize.data.shards.store import Place, place
from colourize.data.splits import DEFAULT_HOLDOUT, ClassSelection, log_unread, wanted
from colourize.errors import InputError

log = logging.getLogger(__name__)


def load(
    root: str | Path,
    classes: ClassSelection = "all",
    image_size: int = 32,
    holdout: float = 0.0,
    cache_dir: str | Path = "data/cache",
    validation_classes: ClassSelection | None = None,
    profiles: bool = True,
) -> Pictures:
    """The pictures of shards, each cropped to its centre square: uint8 [N, S, S, 3], S = ``image_size``.

    ``train.json`` and ``val.json`` name the shards. The result depends on the shards' contents only, not on their
    place: s3://, http:// and a folder with the same shards share one cache. Processes that start together prepare once.

    Args:
        root: a folder, ``s3://BUCKET/PREFIX``, ``http://SERVER/PATH`` or ``https://...``.
        classes, image_size, holdout, validation_classes, profiles: as in ``data.folder.load``.
        cache_dir: folder of the cache. The arrays take N S S 3 bytes there, twice that while they are prepared, and
            up to four shards.

    Raises:
        InputError: a store without the bucket or with other keys, a store that fails despite retries, a damaged shard,
            an index that is wrong, a split without readable pictures, or a bad setting.
    """
    knobs.check_ranges(image_size=image_size, holdout=holdout)
    source = place(root)
    train, validation = (_index(source, root, name) for name in (index.TRAIN, index.VALIDATION))
    if not train:
        raise InputError(f"data.root={root} contains no {index.TRAIN}; write shards there: colourize prepare --shards")
    share = _share(root, bool(validation), holdout)
    check_validation_classes(validation_classes, share)
    read = Reading(source, root, Path(cache_dir), image_size, profiles)
    shards = train if share else train + validation
    contents = [(shard.md5, shard.count) for shard in shards]
    key = cache.digest(FORMAT, contents, len(train), image_size, profiles, share, classes, validation_classes)

    def build() -> tuple[Any, Any, Report]:
        kept = read.all(shards)
        rows = _rows(root, kept, len(train), share, classes, validation_classes)
        checksums = [_checksum(kept, side) for side in rows]
        return _stream(kept, rows[0], image_size), _stream(kept, rows[1], image_size), _report(kept, checksums)

    with _locked(Path(cache_dir), f"shards-{cache.digest(contents, image_size, profiles)}"):
        endings = ["-train.npy", "-validation.npy", ".json"]
        *sides, report = cache.cached(cache_dir, f"shards-{key}", endings, build, _whole, mapped=True)
        read.forget(shards)
    log_faults(root, report, sum(shard.count for shard in shards))
    train_side, validation_side = map(torch.from_numpy, sides)
    return Pictures(train_side, validation_side, mapped=True)


def _share(root: str | Path, validates: bool, holdout: float) -> float:
    """The share of the training pictures that validates; logs that a validation split is not read then."""
    share = 0.0 if validates and not holdout else holdout or DEFAULT_HOLDOUT
    if share and validates:
        log_unread(f"{root}/{index.VALIDATION}", share)
    return share


def _index(source: Place, root: str | Path, name: str) -> list[Shard]:
    content = source.small(name, index.LARGEST)
    return [] if content is None else index.parsed(content, f"{root}/{name}")


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    """Waits until no other process on this machine prepares the same shards."""
    try:
        files.make_cache(folder)
        lock = FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("another process prepares these shards in cache_dir=%s: waiting for it", folder)
            lock.acquire()
    except OSError as error:
        raise InputError(
            f"cache_dir={folder} cannot be written ({error.strerror}), but data=shards keeps the pictures there; pass "
            "another cache_dir"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _rows(
    root: str | Path,
    kept: Sequence[Kept],
    num_train: int,
    share: float,
    classes: ClassSelection,
    validation_classes: ClassSelection | None,
) -> list[list[np.ndarray]]:
    """For both splits and each shard, the rows of the chosen readable pictures, int64; the first shards train.

    Raises:
        InputError: an unknown class, or a split without readable pictures.
    """
    names = {name for each in kept[:num_train] for name in each.facts["classes"] if name is not None}
    trained = wanted(root, classes, names)
    validated = wanted(root, classes if validation_classes is None else validation_classes, names)
    chosen = [
        each.readable
        & np.array([name in (trained if shard < num_train else validated) for name in each.facts["classes"]])
        for shard, each in enumerate(kept)
    ]
    if share and sum(map(np.sum, chosen)):
        hashes = [each.hashes[rows].tobytes() for each, rows in zip(kept, chosen, strict=True)]
        out = held_out([part[at : at + 16] for part in hashes for at in range(0, len(part), 16)], share)
        ends = np.cumsum([rows.sum() for rows in chosen])
        validates = []
        for rows, part in zip(chosen, np.split(out, ends[:-1]), strict=True):
            side = np.zeros_like(rows)
            side[rows] = part
            validates.append(side)
    else:
        validates = [np.full_like(rows, shard >= num_train) for shard, rows in enumerate(chosen)]
    sides = [
        [np.flatnonzero(rows & (side if second else ~side)) for rows, side in zip(chosen, validates, strict=True)]
        for second in (False, True)
    ]
    counts = [sum(map(len, side)) for side in sides]
    if not all(counts):
        raise InputError(
            f"data.root={root}: {counts[0]} readable pictures to train and {counts[1]} to validate; add pictures, or "
            "pass other classes"
        )
    return sides


def _report(kept: Sequence[Kept], checksums: list[int]) -> Report:
    pairs: Callable[[str], list[tuple[str, str]]] = lambda kind: [pair for each in kept for pair in each.facts[kind]]  # noqa: E731
    grey = [each.facts["grey"] for each in kept]
    first = [name for _, names in grey for name in names][:NAMED]
    return {
        "unreadable": pairs("unreadable"),
        "profiles": pairs("profiles"),
        "grey": (sum(count for count, _ in grey), first),
        "checksums": checksums,
    }


def _stream(kept: Sequence[Kept], rows: Sequence[np.ndarray], size: int) -> cache.Stream:
    return cache.Stream((sum(map(len, rows)), size, size, 3), np.uint8, _parts(kept, rows))


def _parts(kept: Sequence[Kept], rows: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The chosen pictures of all shards, some thousand at a time."""
    for each, chosen in zip(kept, rows, strict=True):
        yield from parts(each.pictures, chosen)


def _checksum(kept: Sequence[Kept], rows: Sequence[np.ndarray]) -> int:
    return functools.reduce(lambda total, part: zlib.crc32(part.data, total), _parts(kept, rows), 0)


def _whole(train: np.ndarray, validation: np.ndarray, report: Report) -> bool:
    """Whether the arrays match the checksums of the report."""
    return report["checksums"] == [zlib.crc32(train.data), zlib.crc32(validation.data)]
