"""``colourize film`` as typed on the command line."""

import importlib.util
import os
import signal
import sys

import numpy as np
import pytest

from colourize.cli.main import main
from tests.faults.processes import Process
from tests.films import grey_frames, make, packets, shown


def typed(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["colourize", "film", *map(str, words)])
    main()


@pytest.fixture
def film(tmp_path):
    return make(tmp_path / "in.mp4", grey_frames(5))


def test_a_film_is_coloured_and_keeps_its_sound_and_times(monkeypatch, tmp_path, film, finished_run):
    typed(monkeypatch, film, "-o", tmp_path / "out.mp4", "--model", finished_run, "--saturation", 3, "--quality", 5)
    times, frames = shown(tmp_path / "out.mp4")
    assert times == shown(film)[0]
    assert np.ptp(frames.astype(int), axis=-1).max() > 10
    assert packets(film, "audio") == packets(tmp_path / "out.mp4", "audio")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".npy") == ["in.mp4", "out.mp4"]


def test_an_existing_film_is_kept_unless_overwrite_is_given(monkeypatch, tmp_path, film, finished_run, capsys):
    """As ``colourize photo`` does: test_a_result_that_is_there_is_kept_unless_asked."""
    output = tmp_path / "out.mp4"
    output.write_bytes(b"mine")
    typed(monkeypatch, film, "-o", output, "--model", finished_run)
    assert output.read_bytes() == b"mine" and "already there (--overwrite colours it anew)" in capsys.readouterr().err
    typed(monkeypatch, film, "-o", output, "--model", finished_run, "--overwrite")
    assert len(shown(output)[1]) == 5


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--quality", 52], "--quality must be in"),
        (["--steady", "best"], "--steady: invalid choice"),
        (["--decoding", "best"], "decoding must be"),
        (["--size", 3], "--size must be in"),
        (["--saturation", 11], "--saturation must be in"),
    ],
)
def test_bad_arguments_are_one_line_before_the_network_is_loaded(monkeypatch, tmp_path, film, words, line):
    with pytest.raises(SystemExit, match=f"^colourize: [^\n]*{line}[^\n]*$"):
        typed(monkeypatch, film, "-o", tmp_path / "out.mp4", "--model", "missing.ckpt", *words)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(("name", "library"), [("av", "PyAV"), ("skimage", "scikit-image")])
def test_without_a_library_the_line_names_what_to_install(monkeypatch, tmp_path, film, name, library):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked, *rest: None if asked == name else find(asked, *rest))
    line = rf"^colourize: films require {library}: pip install '.\[film\]' in a checkout"
    with pytest.raises(SystemExit, match=line):
        typed(monkeypatch, film, "-o", tmp_path / "out.mp4", "--model", "x.ckpt")


@pytest.fixture(scope="module")
def long(tmp_path_factory, finished_run):
    """A film of three parts, the words of the command that colours it, without its output, and the coloured film."""
    folder = tmp_path_factory.mktemp("long")
    source = make(folder / "in.mp4", grey_frames(220), sound=False)
    words = source, "--model", finished_run, "--steady", "time", "-o"
    assert Process(*words, "whole.mp4", cwd=folder, verb="film").wait() == 0
    return words, folder / "whole.mp4"


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_film_killed_at_work_is_resumed_and_has_the_same_frames(tmp_path, long, signum, status):
    words, whole = long
    parts = tmp_path / "out.mp4.parts"
    run = Process(*words, "out.mp4", cwd=tmp_path, verb="film")
    try:
        run.wait_for(lambda: (parts / "000000.nut").exists() and any(parts.glob(".000001.nut.*.tmp")))
        run.signal(signum)
        assert run.wait() == status
    finally:
        run.kill()
    assert not (tmp_path / "out.mp4").exists()
    if signum != signal.SIGKILL:
        assert "the same command continues" in run.stderr()
        assert len(run.stderr().splitlines()) == 1
        assert sorted(path.name for path in parts.iterdir()) == ["000000.npz", "000000.nut", "film.json", "lock"]
    assert Process(*words, "out.mp4", cwd=tmp_path, verb="film").wait() == 0
    assert (tmp_path / "out.mp4").read_bytes() == whole.read_bytes()
    assert not parts.exists()


def test_a_pipe_is_not_waited_for(monkeypatch, tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SystemExit, match=r"pipe.mp4 must be a regular file; pass another one$"):
        typed(monkeypatch, tmp_path / "pipe.mp4", "-o", tmp_path / "out.mp4")
