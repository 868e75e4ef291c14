"""The checks before a file is written, and the atomic replacement. See also the matrix of faults."""

import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from colourize import files
from colourize.errors import InputError
from colourize.files import check_output
from colourize.present.figures import FIGURES, save


@pytest.mark.parametrize(
    ("name", "suffixes", "message"),
    [
        ("out.txt", FIGURES, r"out\.txt must end in \.png or \.pdf or \.svg; pass another name"),
        ("nowhere/out.png", FIGURES, "there is no folder .*nowhere; create it, or pass another path"),
        ("nowhere/out.json", (), "there is no folder .*nowhere; create it, or pass another path"),
        ("folder.png", FIGURES, r"folder\.png is a folder; pass a file's name, such as .*folder\.png/out\.png"),
        ("folder.png", (), r"folder\.png is a folder; pass a file's name, such as .*folder\.png/out"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_early(tmp_path, name, suffixes, message):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match=message):
        check_output(tmp_path / name, suffixes)


def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(InputError, match=f"{path} must be a regular file; pass another name"):
            check_output(path)


def test_a_file_of_a_run_is_no_output(tmp_path):
    for name in files.OF_A_RUN:
        check_output(tmp_path / name)
    (tmp_path / "run.json").touch()
    for name in files.OF_A_RUN:
        with pytest.raises(InputError, match=f"{name} belongs to the run in its folder; pass another name"):
            check_output(tmp_path / name)
    check_output(tmp_path / "mine.json", [".json"])


def test_a_folder_that_cannot_be_written_is_refused_early(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere but on a read-only disk
    with pytest.raises(InputError, match=r"x\.png: the folder .* cannot be written; pass another path"):
        check_output(tmp_path / "x.png")


def test_writable_paths_are_accepted(tmp_path):
    (tmp_path / "there.PNG").touch()
    for file in (None, tmp_path / "new.svg", tmp_path / "there.PNG"):
        check_output(file, FIGURES)
    check_output(tmp_path / "any.name")


@pytest.mark.parametrize(("suffix", "start"), [(".PNG", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_a_figure_has_the_format_of_its_name_and_leaves_no_other_file(tmp_path, suffix, start):
    save(Figure(), tmp_path / f"out{suffix}")
    assert (tmp_path / f"out{suffix}").read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_figure_that_fails_leaves_the_old_one(tmp_path):
    class Broken(Figure):
        def savefig(self, file, **arguments):
            file.write(b"half")
            raise OSError(28, "No space left on device")

    save(Figure(), tmp_path / "out.png")
    with pytest.raises(OSError, match="No space left"):
        save(Broken(), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        image.load()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_folder_becomes_a_cache_and_a_folder_with_other_files_does_not(tmp_path):
    for name in ("new/deep", "empty", "full", "other"):
        (tmp_path / name).mkdir(parents=True) if name in ("empty", "full") else None
    (tmp_path / "full/letter").write_text("dear")
    for name in ("new/deep", "empty", "full"):
        files.make_cache(tmp_path / name)
    found = [files.is_cache(tmp_path / name) for name in ("new/deep", "empty", "full", "other")]
    assert found == [True, True, False, False]
    assert (tmp_path / "empty/CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_a_pipe_or_another_text_as_tag_does_not_mark_a_cache(tmp_path):
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a/CACHEDIR.TAG")
    for name, text in (("b", "Signature"), ("c", f"{files.SIGNATURE}\n# This directory tag was written by pytest.\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "CACHEDIR.TAG").write_text(text)
    assert not any(files.is_cache(tmp_path / name) for name in "abc")


def test_an_older_cache_without_a_tag_gets_one(tmp_path):
    for name in ("palette-24-0a.npy", "folder-0a-train.npy", "folder-0a.json", "labels-0a.npy", "floors-0a-quick.json"):
        (tmp_path / name).touch()
    files.make_cache(tmp_path)
    assert files.is_cache(tmp_path)


def aged(path):
    path.write_bytes(b"half")
    os.utime(path, (1e9, 1e9))
    return path


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    stale = aged(tmp_path / ".a.png.0123456789abcdef.tmp")
    kept = [
        aged(tmp_path / name)
        for name in (".b.png.0123456789abcdef.tmp", "a.png", ".a.png.0123.tmp", "a.png.0123456789abcdef.tmp", ".a.tmp")
    ]
    young, link = tmp_path / ".a.png.1111111111111111.tmp", tmp_path / ".a.png.2222222222222222.tmp"
    young.write_bytes(b"half")
    os.utime(young, (2e9, 2e9))
    link.symlink_to("a.png")
    os.mkfifo(tmp_path / ".a.png.3333333333333333.tmp")
    os.utime(tmp_path / ".a.png.3333333333333333.tmp", (1e9, 1e9))
    files.remove_stale([tmp_path / "a.png", tmp_path / "missing/c.png"])
    assert not stale.exists() and link.is_symlink() and young.exists() and all(path.exists() for path in kept)
    assert (tmp_path / ".a.png.3333333333333333.tmp").exists()


def test_a_file_that_is_being_written_is_not_removed(tmp_path):
    def write(file):
        (path,) = tmp_path.iterdir()
        os.utime(path, (1e9, 1e9))
        files.remove_stale([tmp_path / "a.png"])
        assert path.exists()
        file.write(b"whole")

    files.replace(tmp_path / "a.png", write)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


@pytest.mark.parametrize("name", ["x" * 251 + ".png", "\u00e4" * 125 + ".png", "a\nb.png", "\udcff.png"])
def test_a_name_of_any_length_and_bytes_is_replaced_and_its_rest_removed(tmp_path, name):
    def write(file):
        file.write(b"half")
        (path,) = tmp_path.iterdir()
        aged(tmp_path / path.name[:-20]).rename(tmp_path / f"{path.name[:-20]}{'0' * 16}.tmp")

    files.replace(tmp_path / name, write)
    assert len(list(tmp_path.iterdir())) == 2
    files.remove_stale([tmp_path / name])
    assert [path.name for path in tmp_path.iterdir()] == [name]
