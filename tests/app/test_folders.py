"""The private folder goes at the end, also of a killed server; those of others stay."""

import contextlib
import os
import signal
import socket
import stat
import tempfile
import time

import pytest

from colourize.app import folders
from tests.faults.processes import forked


@pytest.fixture
def below(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(below, name="colourize-app-abcdefgh", mode=0o700, host=None):
    """A folder as a killed server leaves it."""
    made = below / name
    made.mkdir(mode=mode)
    made.chmod(mode)
    (made / "visitors").mkdir()
    (made / "visitors" / "secret.jpg").write_bytes(b"x")
    (made / folders.LOCK).write_text(socket.gethostname() if host is None else host)
    return made


def test_a_folder_is_private_and_goes_at_the_end_also_after_an_error(below):
    with contextlib.suppress(KeyError), folders.private() as folder:
        (folder / "a").write_bytes(b"x")
        assert folder.parent == below and stat.S_IMODE(folder.stat().st_mode) == 0o700
        raise KeyError
    assert not list(below.iterdir())


def _live(below):
    tempfile.tempdir = below
    with folders.private() as folder:
        (folder / "photograph").write_bytes(b"x")
        time.sleep(60)


@pytest.fixture
def alive(tmp_path):
    """A process with a private folder, begun before the temporary folder of this one is changed."""
    process = forked(_live, str(tmp_path))
    yield process
    process.kill()
    process.join()


def test_the_folder_of_a_killed_process_goes_at_the_next_start_and_that_of_a_living_one_stays(alive, below):
    end = time.monotonic() + 60
    while not list(below.glob("colourize-app-*/photograph")) and time.monotonic() < end:
        time.sleep(0.01)
    (theirs,) = below.glob("colourize-app-*")
    with folders.private():
        assert (theirs / "photograph").exists()
    os.kill(alive.pid, signal.SIGKILL)
    alive.join()
    assert theirs.exists()
    with folders.private() as own:
        assert list(below.glob("colourize-app-*")) == [own]


def test_what_is_not_a_dead_server_s_folder_of_this_user_and_machine_stays(below, monkeypatch):
    names = ("colourize-app-abc", "colourize-app-abcdefghi", "colourize-appabcdefgh", "x-colourize-app-abcdefgh")
    kept = [left(below, name) for name in names]
    kept += [
        left(below, "colourize-app-otherone", host="another.machine"),
        left(below, "colourize-app-openness", 0o777),
    ]
    kept += [left(below, "colourize-app-nolocker")]
    (kept[-1] / folders.LOCK).unlink()
    (below / "colourize-app-linklink").symlink_to(left(below, "elsewhere"))
    locked = left(below, "colourize-app-linklock")
    (locked / folders.LOCK).unlink()
    (locked / folders.LOCK).symlink_to(kept[0] / folders.LOCK)
    os.mkfifo(below / "colourize-app-fifofifo")
    folders.remove_left()
    for folder in [*kept, locked, below / "elsewhere"]:
        assert (folder / "visitors" / "secret.jpg").exists()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    own = left(below)
    folders.remove_left()
    assert own.exists()


def test_links_in_a_left_folder_are_removed_and_not_followed(below):
    (below / "mine").mkdir()
    (below / "mine" / "a").write_bytes(b"x")
    folder = left(below)
    (folder / "link").symlink_to(below / "mine")
    folders.remove_left()
    assert not folder.exists() and (below / "mine" / "a").exists()
