"""Cases 37 and 40 for ``colourize film``: files that are not films, and unwritable places."""

import signal

import numpy as np
import pytest

from tests.faults import probes_photos as probes
from tests.faults.processes import assert_a_second_signal_ends
from tests.films import grey_frames, make


@pytest.fixture
def films(start, finished_run, tmp_path):
    """Begins ``colourize film`` with the words, and a trained network, in a process of its own."""
    return lambda *words, **settings: start(
        *words, "--model", str(finished_run), "--steady", "time", cwd=tmp_path, verb="film", **settings
    )


@pytest.mark.case(37)
def test_37_an_incomplete_film_is_one_line_and_nothing_is_written(films, tmp_path, seen):
    whole = make(tmp_path / "whole.mkv", grey_frames(40))
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("dear diary\n" * 99)
    for name, reason in (
        ("cut.mkv", "is truncated"),
        ("empty.mp4", "cannot be read as a film"),
        ("text.mp4", "cannot be read as a film"),
    ):
        process = films(name, "-o", "out.mp4")
        assert process.wait() == 1
        (line,) = process.stderr().splitlines()
        assert f"{name} {reason}" in line
    there = {path.name for path in tmp_path.iterdir() if path.name[0] != "."}
    assert there == {"whole.mkv", "cut.mkv", "empty.mp4", "text.mp4"}
    seen("films: truncated, empty and text: one line each, nothing written")


@pytest.mark.case(40)
def test_40_a_film_is_never_written_over_and_a_full_disk_is_one_line(films, tmp_path, seen):
    content = make(tmp_path / "in.mp4", np.tile(grey_frames(12), (1, 2, 2, 1))).read_bytes()
    (tmp_path / "link.mp4").symlink_to("in.mp4")
    for output in ("in.mp4", "./link.mp4"):
        process = films("in.mp4", "-o", output)
        assert process.wait() == 1 and "is the film itself" in process.stderr()
    process = films("in.mp4", "-o", "out.mp4", probe=probes.full_disk)
    assert process.wait() == 1
    (line,) = process.stderr().splitlines()
    assert "No space left on device" in line
    assert (tmp_path / "in.mp4").read_bytes() == content
    assert not (tmp_path / "out.mp4").exists() and not list(tmp_path.rglob("*.tmp"))
    assert films("in.mp4", "-o", "out.mp4").wait() == 0
    seen("output equal to the film, by a link too: refused; a full disk: one line; the same command then succeeds")


@pytest.mark.case(37)
def test_37_a_second_signal_ends_a_film_at_once(films, tmp_path, seen):
    make(tmp_path / "in.mp4", grey_frames(4))
    process = films("in.mp4", "-o", "out.mp4", probe=probes.stuck, given=(str(tmp_path / "begun"),))
    assert_a_second_signal_ends(process, tmp_path / "begun", signal.SIGTERM)
    seen("a second signal in a frame of a film that takes an hour: exit 143 at once, one line")
