"""Cases 17 and 18: full disks and unwritable places."""

import contextlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from colourize.runs import manifest, run_folder
from tests.faults import probes, probes_files
from tests.faults.processes import SMALL
from tests.faults.states import assert_identical, litter, saved


@contextlib.contextmanager
def disk(folder, size):
    """A file system of the given number of bytes."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def assert_told(process, error):
    """Asserts that the process reported in one line what could not be saved, where and why."""
    assert process.wait() == 1
    (line,) = process.stderr().splitlines()
    file = r"\S+/checkpoints/\w+\.ckpt: 0\.\d[1-9] MB could not be saved \(.*\); earlier files are intact; make room"
    events = r"\S+/run cannot be written \(.*\); earlier files are intact"  # TensorBoard's errors do not name a file
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
def test_17_a_failed_save_leaves_the_earlier_files(run, resume, whole, tmp_path, seen, probe, given, error):
    folder = tmp_path / "full"
    assert_told(run("full", "save_every=3", probe=probe, given=given), error)
    assert litter(folder / "checkpoints") == []
    stored = manifest.read(folder)
    assert stored["status"] == "failed" and error in stored["error"]
    step = saved(folder)["global_step"]
    assert resume("full").wait() == 0
    assert_identical(whole, folder)
    seen(f"{error}: saved at step {step} is whole, one line, exit 1, run.json says failed, then identical")


@pytest.mark.case(17)
@pytest.mark.parametrize(
    ("step", "left", "status"),
    [
        (14, 20_480, "failed"),
        (14, 0, "killed"),  # no byte is left to store the reason in run.json
        (19, 0, "killed"),  # an epoch's last step: metrics, events and pictures come before the checkpoint
    ],
)
def test_17_on_a_full_disk_the_earlier_file_keeps_its_bytes(start, whole, tmp_path, cache, seen, step, left, status):
    """All other files of the run are on the same disk: metrics, events, log and run.json."""
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
        assert run_folder.state(folder) == status
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
def test_18_with_an_unwritable_output_no_step_is_trained(run, tmp_path, seen, name, obstacle):
    path, steps = tmp_path / name, tmp_path / "steps"
    path.parent.mkdir(parents=True, exist_ok=True)
    obstacle(path)
    barred = run("run", probe=probes.record_indices, given=(str(steps),))
    assert barred.wait() == 1
    (line,) = barred.stderr().splitlines()
    assert re.match(rf"colourize: ({tmp_path}/)?{name}(: | must be )", line)
    assert not steps.exists()
    seen(f"{'file' if obstacle is file_in_place else 'folder'} in place of {name}: 0 steps, one line, exit 1")


@pytest.mark.case(18)
def test_18_a_folder_that_cannot_be_created_is_reported_before_the_first_step(start, tmp_path, cache, seen):
    """Not even by root, who can ignore permissions."""
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
