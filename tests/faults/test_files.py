"""Cases 15 to 24: what is saved stays whole, and nothing that is not is trained on."""

import contextlib
import io
import json
import os
import pickle
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch

from colourize import checkpoint, manifest, runfolder
from colourize.errors import InputError
from colourize.module import Colourizer
from colourize.resumption import Resumption
from colourize.train import train
from tests.faults import probes, probes_files
from tests.faults.processes import CONTEXT, SMALL, Process
from tests.faults.states import assert_identical, saved


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory, cache):
    """Folder of the run that was killed in step 25: last.ckpt after step 23, previous.ckpt and best.ckpt before."""
    folder = tmp_path_factory.mktemp("interrupted")
    words = *SMALL, cache, "save_every=3", f"hydra.run.dir={folder}"
    assert Process(*words, cwd=folder, probe=probes.kill_in_step, given=(25,)).wait() == -signal.SIGKILL
    return folder


@pytest.fixture
def killed(interrupted, tmp_path):
    """A copy of that folder."""
    return Path(shutil.copytree(interrupted, tmp_path / "killed"))


def forked(target, *given):
    """A process that calls the target."""
    process = CONTEXT.Process(target=target, args=given)
    process.start()
    return process


def number_in(file):
    """The number that was saved, which stands in every weight of a whole file."""
    contents = checkpoint.read(file)
    number = contents["config"]["seed"]
    assert len(contents["state_dict"]) == 20
    assert all((weight == number).all() for weight in contents["state_dict"].values())
    return number


def litter(folder):
    return [file.name for file in folder.iterdir() if file.suffix != ".ckpt"]


def next_run_begins(folder):
    Resumption(folder, None, 0, 1).setup(None, None, "fit")


def kill_while_saving(folder, done, kills, temporary=None):
    """Kills as many processes that save into a folder, each at a random instant; how often a part of a file was left.

    What is there after each kill is what was saved last, or what was being saved.
    """
    instants, torn, number = random.Random(0), 0, 0
    for _ in range(kills):
        before = number
        process = forked(
            probes_files.save_for_ever, str(folder / "last.ckpt"), str(done), before + 1, temporary and str(temporary)
        )
        while not (done.exists() and int(done.read_text() or 0) > before):
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(instants.uniform(0, 0.05))
        process.kill()
        process.join()
        torn += bool(litter(folder))
        number = number_in(checkpoint.newest(folder))
        assert number in (int(done.read_text()), int(done.read_text()) + 1)
    return torn


@pytest.mark.case(15)
def test_15_killed_at_any_instant_of_a_save_the_file_before_or_the_new_one_loads(tmp_path, seen):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    torn = kill_while_saving(folder, tmp_path / "done", 24)
    assert torn > 0
    next_run_begins(folder)
    assert litter(folder) == []
    seen(f"24 of 24 random kills survived, {torn} of them in the middle of a file")


@pytest.mark.case(15)
@pytest.mark.parametrize("links", [True, False])
def test_15_killed_before_any_operation_on_files_the_file_before_or_the_new_one_loads(tmp_path, seen, links):
    """Without hard links, as on some network file systems, last.ckpt itself is away for an instant."""
    found, absent = [], 0
    while True:
        folder = tmp_path / f"{len(found)}"
        folder.mkdir()
        last = folder / "last.ckpt"
        process = forked(probes_files.killed_at_operation, str(last), len(found), links)
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        absent += not last.exists()
        found.append(number_in(checkpoint.newest(folder)))
        next_run_begins(folder)
        assert litter(folder) == []
    assert found == sorted(found) and set(found) == {2, 3}
    assert absent == (0 if links else 1)
    seen(f"{len(found)} of {len(found)} operations {'with' if links else 'without'} links")


@pytest.mark.case(15)
def test_15_a_run_that_was_killed_while_saving_goes_on_to_the_same_bits(run, resume, whole, tmp_path, seen):
    folder = tmp_path / "killed/checkpoints"
    assert run("killed", "save_every=3", probe=probes_files.kill_on_sync, given=(5,)).wait() == -signal.SIGKILL
    assert len(litter(folder)) == 1
    before = saved(folder.parent)["global_step"]
    assert resume("killed").wait() == 0
    assert litter(folder) == []
    assert_identical(whole, folder.parent)
    seen(f"a run killed in the save after step {before}: identical, no litter")


@pytest.mark.case(16)
def test_16_another_file_system_for_temporary_files_is_not_even_used(tmp_path, seen):
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    temporary = memory / f"colourize-{os.getpid()}"
    temporary.mkdir()
    try:
        folder = tmp_path / "checkpoints"
        folder.mkdir()
        torn = kill_while_saving(folder, tmp_path / "done", 24, temporary)
        assert torn > 0
        assert list(temporary.iterdir()) == []
        next_run_begins(folder)
        assert litter(folder) == []
    finally:
        shutil.rmtree(temporary)
    seen(f"24 of 24 random kills survived, {torn} in the middle of a file, nothing in $TMPDIR=/dev/shm/...")


@contextlib.contextmanager
def disk(folder, size):
    """A file system of so many bytes."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def assert_told(process, error):
    """The process said in one line what could not be saved where, and why."""
    assert process.wait() == 1
    (line,) = process.stderr().splitlines()
    file = (
        r"\S+/checkpoints/\w+\.ckpt: 0\.\d[1-9] MB could not be saved \(.*\); what was saved before is whole; make room"
    )
    events = r"\S+/run cannot be written \(.*\); what was saved before is whole"  # TensorBoard's, which name no file
    assert re.fullmatch(rf"colourize: ({file}|{events})", line)
    assert f"({error})" in line


@pytest.mark.case(17)
@pytest.mark.parametrize(
    ("probe", "given", "error"),
    [
        (probes_files.full_on_sync, (5,), "No space left on device"),
        (probes_files.limit_in_step, (7, 20_000), "File too large"),
    ],
)
def test_17_a_save_that_fails_leaves_what_was_saved(run, resume, whole, tmp_path, seen, probe, given, error):
    folder = tmp_path / "full"
    assert_told(run("full", "save_every=3", probe=probe, given=given), error)
    assert litter(folder / "checkpoints") == []
    said = manifest.read(folder)
    assert said["status"] == "failed" and error in said["error"]
    step = saved(folder)["global_step"]
    assert resume("full").wait() == 0
    assert_identical(whole, folder)
    seen(f"{error}: saved at step {step} is whole, one line, exit 1, run.json says failed, then identical")


@pytest.mark.case(17)
@pytest.mark.parametrize(
    ("step", "left", "status"),
    [
        (14, 20_480, "failed"),
        (14, 0, "killed"),  # there is no byte left in which run.json could say why
        (19, 0, "killed"),  # an epoch's last step: metrics, events and pictures come before the checkpoint
    ],
)
def test_17_on_a_full_disk_the_file_before_keeps_its_bytes(start, whole, tmp_path, cache, seen, step, left, status):
    """All else of the run is on that disk too: metrics, events, log and run.json."""
    with disk(tmp_path / "disk", 2_000_000) as room:
        filler, folder, before = room / "filler", room / "run", tmp_path / "before"
        words = *SMALL, cache, "save_every=3", f"hydra.run.dir={folder}"
        given = str(before), step, str(filler), left
        full = start(*words, cwd=tmp_path, probe=probes_files.fill_in_step, given=given)
        assert_told(full, "No space left on device")
        assert litter(folder / "checkpoints") == []
        kept = [
            {file.name: file.read_bytes() for file in place.iterdir()} for place in (before, folder / "checkpoints")
        ]
        assert kept[0] == kept[1] and len(kept[0]) == 3
        assert runfolder.state(folder) == status
        filler.unlink()
        assert start(f"resume={folder}", cwd=tmp_path).wait() == 0
        assert_identical(whole, folder)
    seen(f"a disk with {left} bytes left: bytes before kept, one line, exit 1, run.json: {status}, then identical")


def file_in_place(path):
    path.write_text("")


@pytest.mark.case(18)
@pytest.mark.parametrize(
    ("name", "obstacle"),
    [
        ("run", file_in_place),
        ("run/checkpoints", file_in_place),
        ("run/tensorboard", file_in_place),
        ("run/metrics.csv", Path.mkdir),
        ("run/run.json", Path.mkdir),
    ],
)
def test_18_where_the_output_cannot_be_written_no_step_is_trained(run, tmp_path, seen, name, obstacle):
    path, steps = tmp_path / name, tmp_path / "steps"
    path.parent.mkdir(parents=True, exist_ok=True)
    obstacle(path)
    barred = run("run", probe=probes.record_indices, given=(str(steps),))
    assert barred.wait() == 1
    (line,) = barred.stderr().splitlines()
    assert re.match(rf"colourize: ({tmp_path}/)?{name}: ", line)
    assert not steps.exists()
    seen(f"{'file' if obstacle is file_in_place else 'folder'} in place of {name}: 0 steps, one line, exit 1")


@pytest.mark.case(18)
def test_18_a_folder_that_cannot_be_made_is_told_before_the_first_step(start, tmp_path, cache, seen):
    """Not even by root, for whom permissions mean nothing."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc")
    steps = tmp_path / "steps"
    words = *SMALL, cache, "hydra.run.dir=/proc/colourize"
    barred = start(*words, cwd=tmp_path, probe=probes.record_indices, given=(str(steps),))
    assert barred.wait() == 1
    (line,) = barred.stderr().splitlines()
    assert line.startswith("colourize: /proc/colourize: ")
    assert not steps.exists()
    seen("/proc/colourize: the same")


DAMAGES = {
    "empty": (lambda whole: b"", "it is empty"),
    "one byte": (lambda whole: whole[:1], "it begins with b'P'"),
    "cut in its first header": (lambda whole: whole[:20], "it is cut short"),
    "cut in the middle": (lambda whole: whole[: len(whole) // 2], "it is cut short"),
    "cut in its directory": (lambda whole: whole[: whole.rindex(b"PK\1\2")], "it is cut short"),
    "cut by one byte": (lambda whole: whole[:-1], "it is cut short"),
    "zeros in the middle": (lambda whole: whole[:5000] + bytes(5000) + whole[10_000:], "checksum"),
    "zeros at the end": (lambda whole: whole[:-5000] + bytes(5000), "it is cut short"),
    "garbage": (lambda whole: random.Random(0).randbytes(len(whole)), "which no checkpoint does"),
    "HTML": (lambda whole: b"<!DOCTYPE html>\n<title>404 Not Found</title>\n", "it begins with b'<!DO'"),
    "text": (lambda whole: b"version https://git-lfs.github.com/spec/v1\n", "it begins with b'vers'"),
}


@pytest.mark.case(19)
@pytest.mark.parametrize("damage", DAMAGES)
def test_19_a_damaged_file_is_named_with_its_cause_and_passed_over(killed, caplog, seen, damage):
    make, cause = DAMAGES[damage]
    last, previous = killed / "checkpoints/last.ckpt", killed / "checkpoints/previous.ckpt"
    last.write_bytes(make(last.read_bytes()))
    assert checkpoint.newest(killed / "checkpoints") == previous
    named, taken = caplog.messages
    assert named.startswith(f"{last} is damaged") and cause in named and "\n" not in named
    assert taken == f"{previous} is the newest checkpoint that is whole"
    with pytest.raises(InputError, match=re.escape(f"{last} is damaged")):
        checkpoint.load(last)
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
def test_19_a_run_goes_on_from_the_newest_whole_file_to_the_same_bits(
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
    told = f"/{taken}.ckpt is the newest checkpoint that is whole" if taken else " holds no checkpoint that is whole"
    assert f"checkpoints{told}" in again.stdout()
    assert_identical(whole, killed)
    seen(f"{', '.join(damaged)} {damage}: from {taken or 'nothing'}, step {step}, identical")


@pytest.mark.case(19)
def test_19_evaluate_takes_the_newest_whole_file_too(killed, start, tmp_path, seen):
    last = killed / "checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:-1000])
    measured, said = [], []
    for run in (killed, killed / "checkpoints/previous.ckpt"):
        process = start(run, "--json", "figures.json", cwd=tmp_path, verb="evaluate")
        assert process.wait() == 0
        measured.append(json.loads((tmp_path / "figures.json").read_text()))
        said.append(process.stdout() + process.stderr())
    assert measured[0] == measured[1]
    assert f"{last} is damaged" in said[0] and "previous.ckpt is the newest checkpoint that is whole" in said[0]
    assert "damaged" not in said[1]
    refused = start(last, cwd=tmp_path, verb="evaluate")
    assert refused.wait() == 1
    assert refused.stderr().startswith(f"colourize: {last} is damaged") and refused.stderr().count("\n") == 1
    seen("evaluate: previous.ckpt's figures")


def serialised(contents):
    """Two contents are the same to the bit where these are; a NaN and the sign of a zero count."""
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    return buffer.getvalue()


def refusal(file, expected):
    """How a file is refused; empty where it is read, and then it holds what is expected."""
    try:
        contents = checkpoint.read(file)
    except InputError as error:
        return str(error)
    assert serialised(contents) == expected
    return ""


def parts(file):
    """The bytes of a checkpoint by what they are for: name to offsets."""
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
def test_20_with_one_bit_flipped_a_file_is_refused_or_holds_the_same_bits(interrupted, tmp_path, seen):
    last, damaged, chance = interrupted / "checkpoints/last.ckpt", tmp_path / "last.ckpt", random.Random(0)
    whole, expected = last.read_bytes(), serialised(checkpoint.read(last))
    refused = {}
    for part, offsets in parts(last).items():
        refused[part] = 0
        for offset in chance.sample(offsets, 48):
            flipped = bytearray(whole)
            flipped[offset] ^= 1 << chance.randrange(8)
            damaged.write_bytes(flipped)
            told = refusal(damaged, expected)
            assert re.match(rf"{damaged} (is damaged|declares)|$", told)
            refused[part] += bool(told)
    assert refused["pickle"] == refused["tensors"] == 48
    assert refused["padding"] == 0
    seen("refused of 48, " + ", ".join(f"{part}: {count}" for part, count in refused.items()) + "; the rest the same")


@pytest.mark.case(20)
def test_20_every_bit_of_a_small_file_that_may_be_flipped_is_one_that_nobody_reads(tmp_path, seen):
    """Every ninth bit: each of the eight of a byte gets its turn."""
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
def test_20_a_weight_with_another_bit_is_not_trained_on(killed, resume, whole, seen):
    """torch itself loads such a file without a word."""
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
    seen("in a run's last.ckpt: checksum named, gone on from previous.ckpt, identical")


@pytest.mark.case(21)
def test_21_the_last_checkpoint_is_the_last_epoch_even_if_the_best_came_before(quick, tmp_path, seen):
    train(quick("optimizer=sgd", "lr=1e-30", "max_epochs=3"), tmp_path)  # nothing improves but batch norm's statistics
    last, best = (saved(tmp_path, name)["epoch"] for name in ("last", "best"))
    assert last == 2
    seen(f"last is epoch {last + 1} of 3, best {best + 1}")


@pytest.mark.case(21)
def test_21_a_loss_that_rises_leaves_the_best_alone(quick, tmp_path, monkeypatch, seen):
    def worse(self):
        measured = {"val/loss": float(self.current_epoch), "val/accuracy": 0.0, "val/skill": 0.0}
        self.log_dict(measured, logger=False)

    monkeypatch.setattr(Colourizer, "on_validation_epoch_end", worse)
    train(quick("max_epochs=3"), tmp_path)
    assert [saved(tmp_path, name)["epoch"] for name in ("best", "last")] == [0, 2]
    seen("with a loss that only rises: best 1, last 3")


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


HOSTILE = {
    "zip": torch.save,
    "legacy": lambda evil, file: torch.save(evil, file, _use_new_zipfile_serialization=False),
    "raw": lambda evil, file: file.write_bytes(pickle.dumps(evil)),
}


@pytest.mark.case(22)
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("place", ["state_dict", "optimizer_states", "the whole"])
def test_22_a_pickle_that_runs_code_is_not_run(tmp_path, seen, kind, place):
    file, mark = tmp_path / "evil.ckpt", tmp_path / "ran"
    evil = {"config": {}, "state_dict": {}, place: Hostile(mark)}
    HOSTILE[kind](evil[place] if place == "the whole" else evil, file)
    for opened in (checkpoint.read, checkpoint.load):
        with pytest.raises(InputError, match=r"evil\.ckpt is damaged or no checkpoint") as caught:
            opened(file)
        assert_no_advice(str(caught.value))
    assert not mark.exists()
    with file.open("rb") as pickled:
        pickle.load(pickled) if kind == "raw" else torch.load(pickled, weights_only=False)
    assert mark.exists()  # so it would have run
    seen(kind)


def assert_no_advice(text):
    for word in ("weights_only", "safe_globals", "trust", "Traceback"):
        assert word not in text
    assert text.count("\n") <= 1


@pytest.mark.case(22)
@pytest.mark.parametrize("kind", HOSTILE)
def test_22_no_command_runs_it_or_advises_to(run, start, tmp_path, seen, kind):
    file, mark = tmp_path / "evil.ckpt", tmp_path / "ran"
    HOSTILE[kind]({"config": {}, "state_dict": Hostile(mark)}, file)
    for process in (run("fork", f"ckpt_path={file}"), start(file, cwd=tmp_path, verb="evaluate")):
        assert process.wait() == 1
        assert process.stderr().startswith(f"colourize: {file} is damaged or no checkpoint")
        assert_no_advice(process.stderr())
    assert not mark.exists()
    seen(f"ckpt_path= and evaluate with {kind}: one line, exit 1")


BARE = """
import sys, torch
for file in sys.argv[1:]:
    contents = torch.load(file, weights_only=True)
    print(file, contents["config"]["model"]["_target_"], len(contents["state_dict"]))
assert not {"colourize", "pytorch_lightning", "lightning_fabric", "numpy.core.multiarray"} & sys.modules.keys()
"""


@pytest.mark.case(23)
def test_23_every_checkpoint_of_every_run_loads_with_weights_only_in_a_bare_process(quick, tmp_path, seen):
    runs = {
        "convtranspose": ["scheduler=onecycle", "patience=2", "max_epochs=3", "save_every=2"],
        "unet": ["scheduler=plateau", "scheduler.wait=0", "optimizer=adamw"],
        "lookup": [],
    }
    for model, words in runs.items():
        train(quick(f"model={model}", *words), tmp_path / model)
    files = [tmp_path / model / f"checkpoints/{name}.ckpt" for model in runs for name in ("last", "best", "previous")]
    assert sorted(files) == sorted(tmp_path.glob("*/checkpoints/*"))
    command = [sys.executable, "-I", "-W", "error", "-c", BARE, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(map(str, files))
    seen(f"{len(files)} of {len(files)}: last, best and previous of {', '.join(runs)}")


GIGABYTE = 10**9
MEGABYTE = bytes(10**6)


def archive(*entries):
    """The parts of a zip file, its entries and its directory; of each entry the name, bytes, and how often they come.

    Where they come more than once, they are deflated.
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
    """A directory whose entries have these fields in place of their own, or what a function makes of their own."""
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
    """Asks the reader of a pickle of some hundred bytes for a gigabyte."""

    def __reduce__(self):
        return bytearray, (GIGABYTE,)


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    """Small files, some of which torch unpacks into a gigabyte."""
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
    # zipfile takes the directory that stands before the end, torch the one to which the end points
    shift = len(bomb) + len(bomb_list) - (len(bomb_list) + len(good))
    hidden = directory(good_list, offset=lambda own: own + shift)
    (folder / "two directories.ckpt").write_bytes(
        bomb + bomb_list + good + hidden + end(hidden, len(entries), len(bomb))
    )
    checkpoint.write({**honest, "more": Bytes()}, folder / "bytearray.ckpt")
    return folder


def read_in_a_process(reader, answers, *files):
    """What a reader said of files, and by how many MB its memory grew, by file name."""
    process = forked(probes_files.read_all, reader, [str(file) for file in files], str(answers))
    process.join(60)
    return json.loads(answers.read_text())


@pytest.mark.case(24)
def test_24_no_small_file_unpacks_into_much(bombs, tmp_path, seen):
    files = list(bombs.iterdir())
    assert all(file.stat().st_size < 10_000_000 for file in files)
    found = read_in_a_process(checkpoint.read, tmp_path / "answers", *files)
    # of the file with two directories the honest one is read
    assert {name for name, (said, _) in found.items() if said == "read"} == {"honest.ckpt", "two directories.ckpt"}
    for name, (said, megabytes) in found.items():
        assert megabytes < 100, name
        if name.startswith(("deflated", "stored", "overlapping")):
            assert re.search(r"declares [\d,]+ bytes in a file of [\d,]+: it would unpack into more than it is", said)
    largest = max(megabytes for _, megabytes in found.values())
    seen(f"{len(found) - 2} bombs of a gigabyte refused, one disarmed; memory grew by {largest:.0f} MB at most")


@pytest.mark.case(24)
@pytest.mark.parametrize("name", ["deflated", "two directories", "bytearray"])
def test_24_torch_alone_would_unpack_it(bombs, tmp_path, seen, name):
    """So that the file is a bomb."""
    ((_, megabytes),) = read_in_a_process(torch.load, tmp_path / "answers", bombs / f"{name}.ckpt").values()
    assert megabytes > 800
    seen(f"torch alone, {name}: {megabytes:.0f} MB")
