"""Case 24: small checkpoints do not unpack to large data."""

import io
import json
import re
import struct
import zipfile

import pytest
import torch

from colourize.runs import checkpoint
from tests.faults import probes_files
from tests.faults.processes import forked

GIGABYTE = 10**9
MEGABYTE = bytes(10**6)


def archive(*entries):
    """The parts of a zip file, its entries and its directory; of each entry the name, bytes, and how often they come.

    Repeated bytes are deflated.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compresslevel=1) as file:
        for name, data, times in entries:
            file.compression = zipfile.ZIP_STORED if times == 1 else zipfile.ZIP_DEFLATED
            with file.open(name, "w") as entry:
                for _ in range(times):
                    entry.write(data)
        start = file.fp.tell()
    raw = buffer.getvalue()
    return raw[:start], raw[start:-22]


def directory(raw, **fields):
    """A directory with other fields in its entries: given values, or functions of the original values."""
    places = {"method": ("<H", 10), "packed": ("<I", 20), "size": ("<I", 24), "offset": ("<I", 42)}
    changed, at = bytearray(raw), 0
    while at < len(raw):
        for name, change in fields.items():
            form, place = places[name]
            (own,) = struct.unpack_from(form, raw, at + place)
            struct.pack_into(form, changed, at + place, change(own) if callable(change) else change)
        at += 46 + sum(struct.unpack_from("<HHH", raw, at + 28))
    return bytes(changed)


def end(listing, count, offset):
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(listing), offset, 0)


class Bytes:
    """A pickle of a few hundred bytes that makes the reader allocate a gigabyte."""

    def __reduce__(self):
        return bytearray, (GIGABYTE,)


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    """Small files; torch unpacks some of them to a gigabyte."""
    folder = tmp_path_factory.mktemp("bombs")
    honest = {"config": {}, "state_dict": {"weight": torch.ones(10)}}
    checkpoint.write(honest, folder / "honest.ckpt")
    with zipfile.ZipFile(folder / "honest.ckpt") as file:
        entries = [(entry.filename, file.read(entry), 1) for entry in file.infolist()]
    packed = [(name, MEGABYTE, 1000) if name.endswith("/data/0") else (name, data, 1) for name, data, _ in entries]
    (bomb, bomb_list), (good, good_list) = archive(*packed), archive(*entries)

    def write(name, body, listing, more=0):
        (folder / f"{name}.ckpt").write_bytes(body + listing + end(listing, len(entries) + more, len(body)))

    write("deflated", bomb, bomb_list)
    write("deflated, declared small", bomb, directory(bomb_list, size=40))
    write("deflated, declared stored", bomb, directory(bomb_list, method=0))
    write("stored, declared large", good, directory(good_list, size=GIGABYTE))
    write("stored, all declared large", good, directory(good_list, size=GIGABYTE, packed=GIGABYTE))
    body, listing = archive(*entries, ("archive/data/1", MEGABYTE, 1))
    last = listing[listing.rindex(b"PK\1\2") :]
    write("overlapping", body, listing + 999 * last, 1000)
    # zipfile reads the directory before the end record, torch the one to which the end record points
    shift = len(bomb) + len(bomb_list) - (len(bomb_list) + len(good))
    hidden = directory(good_list, offset=lambda own: own + shift)
    (folder / "two directories.ckpt").write_bytes(
        bomb + bomb_list + good + hidden + end(hidden, len(entries), len(bomb))
    )
    checkpoint.write({**honest, "more": Bytes()}, folder / "bytearray.ckpt")
    return folder


def read_all_in_a_process(reader, answers, *files):
    """The messages of a reader and the growth of its memory in MB, by file name."""
    process = forked(probes_files.read_all, reader, [str(file) for file in files], str(answers))
    process.join(60)
    assert process.exitcode == 0
    return json.loads(answers.read_text())


@pytest.mark.case(24)
def test_24_no_small_file_unpacks_to_a_large_one(bombs, tmp_path, seen):
    files = list(bombs.iterdir())
    assert all(file.stat().st_size < 10_000_000 for file in files)
    found = read_all_in_a_process(checkpoint.read, tmp_path / "answers", *files)
    # in the file with two directories, the honest one is read
    assert {name for name, (printed, _) in found.items() if printed == "read"} == {
        "honest.ckpt",
        "two directories.ckpt",
    }
    for name, (printed, megabytes) in found.items():
        assert megabytes < 100, name
        if name.startswith(("deflated", "stored", "overlapping")):
            assert re.search(r"declares [\d,]+ bytes in a file of [\d,]+, but a checkpoint is not compressed", printed)
    largest = max(megabytes for _, megabytes in found.values())
    seen(f"{len(found) - 2} bombs of a gigabyte refused, one disarmed; memory grew by {largest:.0f} MB at most")


@pytest.mark.case(24)
@pytest.mark.parametrize("name", ["deflated", "two directories", "bytearray"])
def test_24_torch_itself_would_unpack_it(bombs, tmp_path, seen, name):
    """So the file is a bomb."""
    ((_, megabytes),) = read_all_in_a_process(torch.load, tmp_path / "answers", bombs / f"{name}.ckpt").values()
    assert megabytes > 800
    seen(f"torch alone, {name}: {megabytes:.0f} MB")
