"""Where the kernels are compiled, and what happens where they cannot be."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from colourize.kernels import build, photograph, rows

ALL = [rows.KERNELS, photograph.KERNELS]
needs_compiler = pytest.mark.skipif(rows.library() is None, reason="no C compiler")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build.library.cache_clear()
    yield tmp_path / "colourize" / "kernels"
    build.library.cache_clear()


@needs_compiler
@pytest.mark.parametrize("kernels", ALL, ids=["rows", "photograph"])
def test_they_are_compiled_once_into_a_folder_of_one_s_own(kernels, home, monkeypatch):
    assert build.library(kernels) is not None
    (made,) = home.iterdir()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    build.library.cache_clear()
    monkeypatch.setattr(subprocess, "run", lambda *given, **named: pytest.fail("compiled again"))
    assert build.library(kernels) is not None
    assert list(home.iterdir()) == [made]


def wrote(command, content):
    Path(command[command.index("-o") + 1]).write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home, patch: patch.setenv("PATH", str(home)),
        lambda home, patch: (home.mkdir(parents=True), home.chmod(0o777)),
        lambda home, patch: (home.parent.mkdir(), os.symlink("/tmp", home)),
        lambda home, patch: (home.parent.mkdir(), home.write_text("a file")),
        lambda home, patch: patch.setattr(build, "FLAGS", ("--no-such-flag",)),
        lambda home, patch: patch.setattr(subprocess, "run", lambda command, **named: wrote(command, b"no library")),
        lambda home, patch: patch.setattr(subprocess, "run", lambda command, **named: None),
    ],
    ids=[
        "no compiler",
        "writable",
        "link",
        "file",
        "fails",
        "compiler writes something else",
        "compiler writes nothing",
    ],
)
def test_where_they_cannot_be_built_or_trusted_others_are_used_and_one_line_says_so(spoil, home, monkeypatch, caplog):
    spoil(home, monkeypatch)
    caplog.set_level("INFO")
    for kernels in ALL:
        caplog.clear()
        assert build.library(kernels) is None
        (line,) = caplog.messages
        assert line.startswith(f"the kernels of {kernels.files[0]} cannot be compiled here (") and "\n" not in line
        assert line.endswith(kernels.otherwise)
        assert not (home / f"{build._key(kernels)}.so").exists()


@needs_compiler
@pytest.mark.parametrize("size", [0, 100, 4096, 15000])
def test_a_library_that_is_cut_short_is_compiled_again(size, home):
    build.library(rows.KERNELS)
    (made,) = home.iterdir()
    whole = made.read_bytes()
    shutil.copy(made, home / "copy")  # not in place, where this process has it open
    os.truncate(home / "copy", size)
    os.replace(home / "copy", made)
    build.library.cache_clear()
    assert build.library(rows.KERNELS) is not None
    assert made.read_bytes() == whole


@needs_compiler
def test_a_library_of_somebody_else_or_one_that_others_may_write_or_a_link_is_not_loaded(home, tmp_path, monkeypatch):
    build.library(rows.KERNELS)
    (made,) = home.iterdir()
    assert build._loaded(made) is not None
    (tmp_path / "link").symlink_to(made)
    assert build._loaded(tmp_path / "link") is None
    made.chmod(0o720)
    assert build._loaded(made) is None
    made.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: made.stat().st_uid + 1)
    assert build._loaded(made) is None


@needs_compiler
def test_two_libraries_are_two(home):
    found = [build.library(kernels) for kernels in ALL]
    assert hasattr(found[0], "norm_forward_f32") and not hasattr(found[1], "norm_forward_f32")


def test_a_relative_folder_of_caches_is_ignored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert build._folder() == tmp_path / "home" / ".cache" / "colourize" / "kernels"
    assert not (tmp_path / "here").exists()


@needs_compiler
def test_with_any_umask_nobody_else_may_write(home):
    before = os.umask(0)
    try:
        assert build.library(rows.KERNELS) is not None
    finally:
        os.umask(before)
    for path in (home.parent, home, *home.iterdir()):
        assert not path.stat().st_mode & 0o077
