"""Where the kernels are compiled, and what happens where they cannot be."""

import os
import stat
import subprocess

import pytest

from colourize.kernels import build, photograph, rows

ALL = [rows.KERNELS, photograph.KERNELS]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build.library.cache_clear()
    yield tmp_path / "colourize" / "kernels"
    build.library.cache_clear()


@pytest.mark.skipif(rows.library() is None, reason="no C compiler")
@pytest.mark.parametrize("kernels", ALL, ids=["rows", "photograph"])
def test_they_are_compiled_once_into_a_folder_of_one_s_own(kernels, home, monkeypatch):
    assert build.library(kernels) is not None
    (made,) = home.iterdir()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    build.library.cache_clear()
    monkeypatch.setattr(subprocess, "run", lambda *given, **named: pytest.fail("compiled again"))
    assert build.library(kernels) is not None
    assert list(home.iterdir()) == [made]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home, patch: patch.setenv("PATH", str(home)),
        lambda home, patch: (home.mkdir(parents=True), home.chmod(0o777)),
        lambda home, patch: (home.parent.mkdir(), os.symlink("/tmp", home)),
        lambda home, patch: (home.parent.mkdir(), home.write_text("a file")),
        lambda home, patch: patch.setattr(build, "FLAGS", ("--no-such-flag",)),
        lambda home, patch: (
            home.mkdir(mode=0o700, parents=True),
            [(home / f"{build._key(kernels)}.so").write_text("no library") for kernels in ALL],
        ),
    ],
    ids=["no compiler", "writable", "link", "file", "fails", "damaged"],
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
