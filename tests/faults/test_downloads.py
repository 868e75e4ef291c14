"""Cases 26 to 29: downloads the archive of CIFAR-10 from a real server on this machine."""

import re
import signal
import socket
import time

import pytest
from torchvision.datasets import CIFAR10

from colourize.data import cifar10
from tests.cifar_archive import BATCHES, attributes, write_archive
from tests.faults import probes_data as probes
from tests.faults.server import (
    FILE,
    Server,
    another,
    cut,
    cut_chunk,
    in_time,
    missing,
    no_http,
    page,
    reset,
    silent,
    stalled,
    truncated,
    whole,
)
from tests.faults.states import saved


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """Folder of a small archive, and its attributes for torchvision."""
    root = tmp_path_factory.mktemp("origin")
    write_archive(root)
    return root, attributes(root)


@pytest.fixture
def server(origin):
    with Server((origin[0] / FILE).read_bytes()) as server:
        yield server
        server.release.set()
        server.shutdown()


SMALL = (
    "data=cifar10", "classes=all", "num_filters=1", "num_colours=2", "batch_size=50", "max_epochs=1",
    "trainer.enable_progress_bar=false",
)  # fmt: skip


@pytest.fixture
def run(start, tmp_path, cache, origin, server):
    """Starts a run of two steps with pictures from ``data`` or from the server."""

    def begin(probe=None, *given, name="run", words=(cache,)):
        progress_of = {**origin[1], "url": server.address}, probe, *given
        return start(*SMALL, f"hydra.run.dir={name}", *words, cwd=tmp_path, probe=probes.served, given=progress_of)

    return begin


def assert_trained(process, folder):
    assert process.wait() == 0, process.stderr()
    assert "100 training and 20 validation pictures" in process.stdout()
    assert saved(folder)["global_step"] == 2


def progress_of(process):
    """The last line of the output, after torchvision's bar."""
    assert process.wait() == 1
    *bars, line, end = process.stderr().split("\n")
    assert end == ""
    assert all("B/s]" in bar or not bar for bar in bars), bars
    start = r"colourize: CIFAR-10 is not in data\.root=data \(looked at /.*/data\) and could not be fetched"
    assert re.match(start, line)
    assert "pass data=scenes, or data=folder data.root=DIR" in line
    return line


CHECKSUM = "the downloaded file is not the archive: its checksum is wrong"


@pytest.mark.case(26)
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (truncated, CHECKSUM),
        (another, CHECKSUM),
        (page, CHECKSUM),
        (missing, "HTTP Error 404: Not Found"),
        (cut, CHECKSUM),
        (cut_chunk, "IncompleteRead"),
        (reset, "Connection reset by peer"),
        (no_http, "220 mail.example ready"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_26_a_fault_of_the_server_is_reported_and_the_next_run_repairs_it(run, server, tmp_path, seen, fault, cause):
    server.answer = fault
    line = progress_of(run())
    assert server.address in line
    assert cause in line
    server.answer = whole
    assert_trained(run(), tmp_path / "run")
    seen(f"{fault.__name__}: exit 1 ({cause}), repaired")


@pytest.mark.case(26)
@pytest.mark.parametrize(
    ("file", "content"),
    [(FILE, None), (FILE, b""), (f"cifar-10-batches-py/{BATCHES[2]}", b"damaged"), (BATCHES[2], b"beside it")],
)
def test_26_a_damaged_file_on_disk_is_downloaded_again(run, origin, tmp_path, seen, file, content):
    path = tmp_path / "data" / file
    path.parent.mkdir(parents=True)
    path.write_bytes((origin[0] / FILE).read_bytes()[:-100] if content is None else content)
    assert_trained(run(), tmp_path / "run")
    seen("damaged on disk: fetched again, exit 0")


@pytest.mark.case(26)
def test_26_after_a_kill_during_the_download_the_next_run_repairs_the_data(run, server, tmp_path, seen):
    server.answer = stalled
    killed = run()
    file = tmp_path / "data" / FILE
    killed.wait_for(lambda: file.exists() and file.stat().st_size > 100_000)
    killed.signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    left = file.stat().st_size
    assert left < len(server.body)
    server.answer = whole
    assert_trained(run(), tmp_path / "run")
    seen(f"killed after {left} of {len(server.body)} bytes: repaired")


@pytest.mark.case(26)
def test_26_after_a_kill_during_unpacking_the_next_run_repairs_the_data(run, tmp_path, seen):
    """The last member is the file with the names of the classes, which torchvision does not check."""
    for member in range(7):
        assert run(probes.kill_in_member, member).wait() == -signal.SIGKILL
    assert_trained(run(), tmp_path / "run")
    seen("killed in each of 7 members: repaired")


@pytest.mark.case(27)
@pytest.mark.parametrize("fault", [silent, stalled])
def test_27_a_stalled_server_is_abandoned_after_the_limit(run, server, tmp_path, seen, fault):
    server.answer = fault
    begun = time.monotonic()
    line = progress_of(run(probes.patience, 0.7))
    waited = time.monotonic() - begun
    assert 0.7 < waited < 15
    assert "the server sent nothing for 0.7 s" in line
    assert server.address in line
    assert "try again later" in line
    server.answer = whole
    assert_trained(run(), tmp_path / "run")
    seen(f"{fault.__name__}: exit 1 after {waited:.1f} s where the limit is 0.7, repaired")


@pytest.mark.case(27)
def test_27_the_limit_is_a_minute_and_other_connections_keep_theirs(cifar_archive, monkeypatch, seen):
    limits = []
    original = CIFAR10.download
    monkeypatch.setattr(CIFAR10, "download", lambda self: limits.append(socket.getdefaulttimeout()) or original(self))
    before = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(7.5)
        cifar10.load(cifar_archive[0])
        assert socket.getdefaulttimeout() == 7.5
    finally:
        socket.setdefaulttimeout(before)
    assert limits == [60]
    seen("60 s, put back")


@pytest.mark.case(28)
def test_28_two_runs_that_find_the_pictures_missing_at_once_both_train(run, server, tmp_path, seen):
    server.answer = in_time
    (tmp_path / "arrived").mkdir()
    processes = [run(probes.note_missing, str(tmp_path / "arrived"), name=f"run-{i}") for i in range(2)]
    for process in processes:
        process.wait_for(lambda: len(list((tmp_path / "arrived").iterdir())) == 2)
    server.release.set()
    for number, process in enumerate(processes):
        assert_trained(process, tmp_path / f"run-{number}")
    assert server.requests == 2  # torchvision looks for a redirection, then fetches
    seen("2 of 2 trained, fetched once")


def tree(folder):
    return {path: path.stat().st_ctime_ns for path in [folder, *folder.rglob("*")]}


@pytest.mark.case(29)
def test_29_read_only_data_are_enough(run, cifar_archive, tmp_path, seen):
    root, _ = cifar_archive
    cifar10.load(root)
    (root / ".cifar10.lock").unlink()
    before = tree(root)
    process = run(probes.read_only, str(root), words=())
    assert_trained(process, tmp_path / "run")
    assert (
        "cache_dir=data/cache cannot be written (Read-only file system): continuing without a cache" in process.stdout()
    )
    assert tree(root) == before
    seen(f"trained, {len(before)} entries untouched, no lock, no cache")


@pytest.mark.case(29)
def test_29_a_read_only_archive_that_is_not_unpacked_is_reported(run, cifar_archive, seen):
    before = tree(cifar_archive[0])
    assert "Read-only file system" in progress_of(run(probes.read_only, str(cifar_archive[0])))
    assert tree(cifar_archive[0]) == before
    seen("archive alone: exit 1")


@pytest.mark.case(29)
@pytest.mark.parametrize(
    ("probe", "given", "cause"),
    [
        (probes.small_files, 200_000, "File too large"),  # in the download
        (probes.small_files, 50_000, "File too large"),
        (probes.full_in_member, 3, "No space left on device"),
    ],
)
def test_29_a_full_disk_is_reported_and_the_next_run_repairs_the_data(run, origin, tmp_path, seen, probe, given, cause):
    if given == 50_000:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / FILE).write_bytes((origin[0] / FILE).read_bytes())
    assert cause in progress_of(run(probe, given))
    unpacked = list((tmp_path / "data").glob("cifar-10-batches-py/*"))
    assert bool(unpacked) == (given != 200_000)
    assert_trained(run(), tmp_path / "run")
    seen(f"{cause} after {len(unpacked)} members: exit 1, repaired")
