"""Cases 19 and 20: damaged files are not used for training."""

import io
import json
import random
import re
import shutil
import signal
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from colourize.errors import InputError
from colourize.runs import checkpoint
from colourize.runs.trained import load
from tests.faults import probes
from tests.faults.processes import SMALL, Process
from tests.faults.states import assert_identical, saved


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory, cache):
    """Folder of a run killed in step 25: last.ckpt after step 23, previous.ckpt and best.ckpt from earlier."""
    folder = tmp_path_factory.mktemp("interrupted")
    words = *SMALL, cache, "save_every=3", f"hydra.run.dir={folder}"
    assert Process(*words, cwd=folder, probe=probes.kill_in_step, given=(25,)).wait() == -signal.SIGKILL
    return folder


@pytest.fixture
def killed(interrupted, tmp_path):
    """A copy of that folder."""
    return Path(shutil.copytree(interrupted, tmp_path / "killed"))


DAMAGES = {
    "empty": (lambda whole: b"", "it is empty"),
    "one byte": (lambda whole: whole[:1], "it begins with b'P'"),
    "cut in its first header": (lambda whole: whole[:20], "it is cut short"),
    "cut in the middle": (lambda whole: whole[: len(whole) // 2], "it is cut short"),
    "cut in its directory": (lambda whole: whole[: whole.rindex(b"PK\1\2")], "it is cut short"),
    "cut by one byte": (lambda whole: whole[:-1], "it is cut short"),
    "zeros in the middle": (lambda whole: whole[:5000] + bytes(5000) + whole[10_000:], "checksum"),
    "zeros at the end": (lambda whole: whole[:-5000] + bytes(5000), "it is cut short"),
    "garbage": (lambda whole: random.Random(0).randbytes(len(whole)), "instead of a ZIP header"),
    "HTML": (lambda whole: b"<!DOCTYPE html>\n<title>404 Not Found</title>\n", "it begins with b'<!DO'"),
    "text": (lambda whole: b"version https://git-lfs.github.com/spec/v1\n", "it begins with b'vers'"),
}


@pytest.mark.case(19)
@pytest.mark.parametrize("damage", DAMAGES)
def test_19_a_damaged_file_is_named_with_its_cause_and_skipped(killed, caplog, seen, damage):
    make, cause = DAMAGES[damage]
    last, previous = killed / "checkpoints/last.ckpt", killed / "checkpoints/previous.ckpt"
    last.write_bytes(make(last.read_bytes()))
    assert checkpoint.newest(killed / "checkpoints")[0] == previous
    named, taken = caplog.messages
    assert named.startswith(f"{last} is damaged") and cause in named and "\n" not in named
    assert taken == f"{previous} is the newest undamaged checkpoint"
    with pytest.raises(InputError, match=re.escape(f"{last} is damaged")):
        load(last)
    seen(damage)


@pytest.mark.case(19)
@pytest.mark.parametrize(
    ("damage", "damaged", "taken"),
    [
        ("empty", ["last"], "previous"),
        ("garbage", ["last", "previous"], "best"),
        ("HTML", ["last", "previous", "best"], None),
    ],
)
def test_19_a_run_resumes_from_the_newest_undamaged_file_to_the_same_bits(
    killed, resume, whole, seen, damage, damaged, taken
):
    make, cause = DAMAGES[damage]
    for name in damaged:
        file = killed / f"checkpoints/{name}.ckpt"
        file.write_bytes(make(file.read_bytes()))
    step = saved(killed, taken)["global_step"] if taken else 0
    again = resume("killed")
    assert again.wait() == 0
    for name in damaged:
        assert re.search(rf"checkpoints/{name}\.ckpt is damaged.*{re.escape(cause)}", again.stdout())
    message = f"/{taken}.ckpt is the newest undamaged checkpoint" if taken else " contains no undamaged checkpoint"
    assert f"checkpoints{message}" in again.stdout()
    assert_identical(whole, killed)
    seen(f"{', '.join(damaged)} {damage}: from {taken or 'nothing'}, step {step}, identical")


@pytest.mark.case(19)
def test_19_evaluate_also_reads_the_newest_undamaged_file(killed, start, tmp_path, seen):
    last = killed / "checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:-1000])
    measured, printed = [], []
    for run in (killed, killed / "checkpoints/previous.ckpt"):
        process = start(run, "--json", "figures.json", cwd=tmp_path, verb="evaluate")
        assert process.wait() == 0
        measured.append(json.loads((tmp_path / "figures.json").read_text()))
        printed.append(process.stdout() + process.stderr())
    assert measured[0] == measured[1]
    assert f"{last} is damaged" in printed[0] and "previous.ckpt is the newest undamaged checkpoint" in printed[0]
    assert "damaged" not in printed[1]
    refused = start(last, cwd=tmp_path, verb="evaluate")
    assert refused.wait() == 1
    assert refused.stderr().startswith(f"colourize: {last} is damaged") and refused.stderr().count("\n") == 1
    seen("evaluate: previous.ckpt's figures")


def serialised(contents):
    """Bytes that are equal if and only if two contents are equal bit by bit, including NaN and signs of zeros."""
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    return buffer.getvalue()


def refusal(file, expected):
    """The error for a file; empty if it is read, with the expected contents."""
    try:
        contents = checkpoint.read(file)
    except InputError as error:
        return str(error)
    assert serialised(contents) == expected
    return ""


def parts(file):
    """Offsets of the bytes of a checkpoint, by purpose."""
    found = {"headers": [], "pickle": [], "tensors": [], "padding": []}
    with zipfile.ZipFile(file) as archive, file.open("rb") as raw:
        for entry in archive.infolist():
            raw.seek(entry.header_offset)
            name, extra = struct.unpack("<26xHH", raw.read(30))
            bounds = [entry.header_offset + length for length in (0, 30 + name, 30 + name + extra)]
            found["headers"] += range(*bounds[:2])
            found["padding"] += range(*bounds[1:])
            data = "pickle" if entry.filename.endswith("/data.pkl") else "tensors"
            found[data] += range(bounds[2], bounds[2] + entry.file_size)
        return {**found, "directory": range(archive.start_dir, file.stat().st_size)}


@pytest.mark.case(20)
def test_20_a_file_with_one_flipped_bit_is_refused_or_gives_the_same_contents(interrupted, tmp_path, seen):
    last, damaged, chance = interrupted / "checkpoints/last.ckpt", tmp_path / "last.ckpt", random.Random(0)
    whole, expected = last.read_bytes(), serialised(checkpoint.read(last))
    refused = {}
    for part, offsets in parts(last).items():
        refused[part] = 0
        for offset in chance.sample(offsets, 48):
            flipped = bytearray(whole)
            flipped[offset] ^= 1 << chance.randrange(8)
            damaged.write_bytes(flipped)
            message = refusal(damaged, expected)
            assert re.match(rf"{damaged} (is damaged|declares)|$", message)
            refused[part] += bool(message)
    assert refused["pickle"] == refused["tensors"] == 48
    assert refused["padding"] == 0
    seen("refused of 48, " + ", ".join(f"{part}: {count}" for part, count in refused.items()) + "; the rest the same")


@pytest.mark.case(20)
def test_20_only_unused_bits_of_a_small_file_may_be_flipped(tmp_path, seen):
    """Tests every ninth bit, so that each of the eight bits of a byte is used."""
    small, damaged = tmp_path / "small.ckpt", tmp_path / "damaged.ckpt"
    checkpoint.write({"config": {"seed": 1}, "state_dict": {"weight": torch.arange(6.0)}}, small)
    whole, expected = small.read_bytes(), serialised(checkpoint.read(small))
    refused = []
    for bit in range(0, 8 * len(whole), 9):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.write_bytes(flipped)
        refused.append(bool(refusal(damaged, expected)))
    seen(f"all over a small file: {sum(refused)} of {len(refused)} refused, the rest the same")


@pytest.mark.case(20)
def test_20_a_weight_with_a_flipped_bit_is_not_used(killed, resume, whole, seen):
    """torch itself loads such a file without a warning."""
    last = killed / "checkpoints/last.ckpt"
    name, weight = next(iter(saved(killed)["state_dict"].items()))
    flipped = bytearray(last.read_bytes())
    flipped[flipped.index(weight.numpy().tobytes()) + 2] ^= 1
    last.write_bytes(flipped)
    assert not torch.equal(saved(killed)["state_dict"][name], weight)
    again = resume("killed")
    assert again.wait() == 0
    assert re.search(r"last\.ckpt is damaged: the checksum of its entry archive/data/\d+ is wrong", again.stdout())
    assert_identical(whole, killed)
    seen("in a run's last.ckpt: checksum named, resumed from previous.ckpt, identical")
