"""Reads the offline files of Weights & Biases, which no installed library does: a log of LevelDB with protobufs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD, BLOCK = 7, 32768  # bytes: of the file and of each part, of a block
WHOLE, LAST = 1, 4  # kinds of parts; 2 and 3 are a first and a middle part


def messages(content: bytes) -> Iterator[bytes]:
    """The messages of a file: https://github.com/google/leveldb/blob/main/doc/log_format.md"""
    place, joined = HEAD, b""
    while place + HEAD <= len(content):
        if BLOCK - place % BLOCK < HEAD:  # too little for a part: zeros up to the next block
            place += BLOCK - place % BLOCK
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        joined += content[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (WHOLE, LAST):
            yield joined
            joined = b""


def records(folder: Path) -> Iterator[Any]:
    """The records of all offline files in a run folder, in the order of their time."""
    from wandb.proto.wandb_internal_pb2 import Record

    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        yield from map(Record.FromString, messages(file.read_bytes()))
