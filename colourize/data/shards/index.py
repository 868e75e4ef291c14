"""The index of a split's shards, in the format of ``wids`` (``widsindex create``)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from colourize.errors import InputError, shown
from colourize.files import json_value

TRAIN, VALIDATION = "train.json", "val.json"
KIND, VERSION = "wids-shard-index-v1", 1
LARGEST = 64 << 20  # bytes of an index: half a million shards
LARGEST_SHARD = 16 << 30  # bytes
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\.tar")  # a name beside the index: never a path or an address
MD5 = re.compile(r"[0-9a-f]{32}")
MEMBER = 1024  # bytes: the least that a picture takes in a tar file, its header and one block


@dataclass(frozen=True)
class Shard:
    """A tar file beside its index: ``size`` bytes with this MD5, in hexadecimal, and ``count`` pictures."""

    name: str
    size: int
    md5: str
    count: int


def text(shards: Sequence[Shard]) -> str:
    """The index as JSON."""
    listed = [{"url": s.name, "md5sum": s.md5, "nsamples": s.count, "filesize": s.size} for s in shards]
    return json.dumps({"__kind__": KIND, "wids_version": VERSION, "shardlist": listed}, indent=1) + "\n"


def parsed(content: bytes, place: str) -> list[Shard]:
    """The shards of an index from an unknown source.

    Args:
        content: of the index.
        place: of the index, for messages.

    Raises:
        InputError: not an index, or an entry that cannot be true: a name that is a path, a negative number, more
            pictures than the bytes can hold, a name or a content twice.
    """
    try:
        value = json_value(content, place)
    except ValueError as error:
        raise InputError(f"{place} must be an index of shards in JSON ({shown(str(error))}); {_REMEDY}") from error
    entries = value.get("shardlist") if isinstance(value, dict) else None
    if not isinstance(entries, list) or not entries or value.get("wids_version", VERSION) != VERSION:
        raise InputError(f"{place} must be an index of shards (wids_version {VERSION}, shardlist [...]); {_REMEDY}")
    shards = [_shard(entry, place) for entry in entries]
    for what in ("name", "md5"):
        values = [getattr(shard, what) for shard in shards]
        if len(set(values)) < len(values):
            raise InputError(f"{place} lists a shard twice (the same {what}); {_REMEDY}")
    return shards


_REMEDY = "write it with colourize prepare --shards"


def _shard(entry: Any, place: str) -> Shard:
    values = [entry.get(name) for name in ("url", "filesize", "md5sum", "nsamples")] if isinstance(entry, dict) else []
    match values:
        case [str(name), int(size), str(md5), int(count)]:
            pass
        case _:
            raise InputError(f"{place}: each shard must have url, filesize, md5sum and nsamples; {_REMEDY}")
    if not NAME.fullmatch(name) or ".." in name:
        raise InputError(f"{place}: a shard must be named like train-00000.tar beside its index, got {shown(name)}")
    if not (MD5.fullmatch(md5) and 0 < count * MEMBER <= size <= LARGEST_SHARD):
        raise InputError(
            f"{place}: {name} with {shown(count)} pictures in {shown(size)} bytes (md5sum {shown(md5)}) is impossible; "
            f"a picture takes {MEMBER} bytes or more, a shard at most {LARGEST_SHARD:,}; {_REMEDY}"
        )
    return Shard(name, size, md5, count)
