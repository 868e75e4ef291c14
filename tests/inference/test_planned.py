"""Which pictures become which files."""

import os

import pytest
from PIL import Image

from colourize.errors import InputError
from colourize.inference.planned import Job, plan


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """scans/a.png, scans/deep/b.jpg, scans/deep/c.bmp and a text, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("scans/a.png", "scans/deep/b.jpg", "scans/deep/c.bmp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(path)
    (tmp_path / "scans/notes.txt").write_text("x")
    os.mkfifo("pipe.png")
    return tmp_path


def names(jobs):
    return {str(job.source): str(job.target) for job in jobs}


def test_a_file_becomes_the_file_that_is_named(scans):
    assert names(plan(["scans/a.png"], "new.jpg")) == {"scans/a.png": "new.jpg"}


def test_a_file_goes_into_the_folder_that_is_named(scans):
    assert names(plan(["scans/a.png"], "out")) == {"scans/a.png": "out/a.png"}


@pytest.mark.parametrize("name", ["out.2001", "out.pngg", "out.png", "out.bmp"])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_exists_or_a_name_that_ends_in_a_slash_is_a_folder(scans, name, there):
    if there:
        (scans / name).mkdir()
    place = name if there else f"{name}/"
    assert names(plan(["scans/a.png"], place)) == {"scans/a.png": f"{name}/a.png"}
    assert "scans/deep/b.jpg" in names(plan(["scans"], place))


def test_of_a_folder_the_results_may_go_into_a_name_with_a_suffix_that_no_picture_has(scans):
    assert names(plan(["scans"], "out.2001"))["scans/a.png"] == "out.2001/a.png"


def test_a_folder_is_mirrored_and_formats_that_we_do_not_write_become_png(scans):
    assert names(plan(["scans"], "out")) == {
        "scans/a.png": "out/a.png", "scans/deep/b.jpg": "out/deep/b.jpg", "scans/deep/c.bmp": "out/deep/c.bmp.png",
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPE"])
def test_every_suffix_of_jpeg_is_kept(scans, suffix):
    Image.new("L", (4, 4)).save(scans / f"scans/deep/d{suffix}", "JPEG")
    expected = f"out/deep/d{suffix}"
    assert names(plan(["scans"], "out"))[f"scans/deep/d{suffix}"] == expected
    assert names(plan(["scans/a.png"], f"new{suffix}")) == {"scans/a.png": f"new{suffix}"}


def test_a_format_replaces_every_suffix(scans):
    assert set(names(plan(["scans"], "out", ".webp")).values()) == {"out/a.webp", "out/deep/b.webp", "out/deep/c.webp"}


def test_a_pattern_names_what_it_matches(scans):
    assert names(plan(["scans/**/*.jpg"], "out")) == {"scans/deep/b.jpg": "out/b.jpg"}


def test_results_inside_the_folder_are_not_coloured_again(scans):
    (scans / "scans/out").mkdir()
    Image.new("L", (4, 4)).save(scans / "scans/out/a.png")
    assert "scans/out/a.png" not in names(plan(["scans"], "scans/out"))


def test_standard_input_and_output(scans):
    assert plan(["-"], "-") == [Job(None, None)]
    assert plan(["-"], "x.png") == [Job(None, scans / "x.png")] or plan(["-"], "x.png")[0].target.name == "x.png"
    assert plan(["scans/a.png"], "-")[0].target is None


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["missing.png"], "out", "missing.png: no such file or folder"),
        (["scans/*.gif"], "out", "no such file or folder"),
        (["scans/a.png"], "scans/a.png", "is an input picture"),
        (["scans/a.png"], "scans", "is an input picture"),
        (["scans"], "scans/a.png", "is a file's name, and the input is a folder; pass -o FOLDER, or end it in /"),
        (["scans"], "new.png", "new.png is a file's name, and the input is a folder"),
        (["scans"], "new.bmp", "new.bmp is a file's name, and the input is a folder"),
        (["scans/a.png"], "scans/notes.txt", "must be a folder"),
        (["scans/a.png"], "out.pngg", r"must end in .png, .*got out.pngg; pass one .*, or end it in / for a folder"),
        (["-"], "out.png/", "must be a file with a suffix"),
        (["scans/a.png", "scans/deep/../a.png"], "out", "would both write"),
        (["scans/a.png", "scans/deep/b.jpg"], "both.png", "both.png is a file's name, and there are 2 inputs"),
        (["-", "scans/a.png"], "out", "must be the only input"),
        (["scans"], "-", "takes one picture"),
        (["-"], "out", "must be a file with a suffix"),
        (["scans/a.png"], "new.bmp", "an output must end in .png, .*got new.bmp"),
        (["pipe.png"], "out", "must be a regular file or a folder; pass - for standard input"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_one_line(scans, inputs, output, message):
    with pytest.raises(InputError, match=message) as raised:
        plan(inputs, output)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_folder_or_a_pipe_in_the_place_of_a_result_is_named_and_stays(scans, kind):
    (scans / "out").mkdir()
    place = scans / "out/a.png"
    place.mkdir() if kind == "folder" else os.mkfifo(place)
    with pytest.raises(InputError, match=r"^out/a.png must be a regular file; pass another -o$"):
        plan(["scans"], "out")


def test_a_result_is_not_another_picture_of_the_command(scans):
    (scans / "other/deep").mkdir(parents=True)
    Image.new("L", (4, 4)).save(scans / "other/deep/b.jpg")
    with pytest.raises(InputError, match=r"scans/deep/b.jpg is an input picture"):
        plan(["other", "scans/deep/b.jpg"], "scans")


def test_a_dangling_link_is_a_picture_that_fails_later(scans):
    (scans / "scans/gone.png").symlink_to("nowhere.png")
    Image.new("L", (4, 4)).save(scans / "gone.png")
    assert names(plan(["scans"], "."))["scans/gone.png"] == "gone.png"


def test_the_output_may_be_above_the_folder(scans):
    assert names(plan(["scans/deep"], "."))["scans/deep/b.jpg"] == "b.jpg"


def test_a_format_holds_for_standard_input_too(scans):
    assert plan(["-"], "x.jpg", ".png")[0].target.name == "x.png"


def test_a_folder_without_pictures_is_named(scans):
    (scans / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no picture files"):
        plan(["empty"], "out")


def test_files_beside_a_result(scans):
    assert Job(None, scans / "photo.jpg").beside("2") == scans / "photo.2.jpg"
    with pytest.raises(InputError, match="standard output takes one picture"):
        Job(None, None).beside("2")


def test_a_link_among_the_folders_of_the_output_leads_nowhere_else(scans):
    (scans / "home").mkdir()
    (scans / "out").mkdir()
    (scans / "out/deep").symlink_to(scans / "home")
    with pytest.raises(InputError, match="out/deep is a link to .*, and links are not followed"):
        plan(["scans"], "out")
    assert len(plan(["scans"], "out/deep")) == 3  # a link that the person typed


def test_further_files_of_an_earlier_command_are_left_out_of_a_folder_and_named(scans, caplog):
    for name in ("scans/a.uncertainty.png", "scans/deep/b.side-by-side.jpg", "scans/uncertainty.png"):
        Image.new("L", (4, 4)).save(scans / name)
    assert set(names(plan(["scans"], "out"))) == {
        "scans/a.png", "scans/deep/b.jpg", "scans/deep/c.bmp", "scans/uncertainty.png",
    }  # fmt: skip
    assert caplog.messages[0].startswith("2 files named .side-by-side or .uncertainty in scans are left out")
    assert names(plan(["scans/a.uncertainty.png"], "out"))  # named by itself it is a picture like any other


@pytest.mark.parametrize(
    "words", [["scans/*.png"], ["scans/a.png", "scans/a.uncertainty.png", "scans/a.side-by-side.png"]]
)
def test_a_pattern_leaves_them_out_too_whether_we_or_the_shell_expand_it(scans, caplog, words):
    for name in ("scans/a.uncertainty.png", "scans/a.side-by-side.png"):
        Image.new("L", (4, 4)).save(scans / name)
    assert names(plan(words, "out")) == {"scans/a.png": "out/a.png"}
    (line,) = caplog.messages
    assert line.startswith("2 files named .side-by-side or .uncertainty are left out") and "pass one alone" in line


def test_files_that_are_all_of_an_earlier_command_are_one_error(scans):
    for name in ("scans/a.uncertainty.png", "scans/b.uncertainty.png"):
        Image.new("L", (4, 4)).save(scans / name)
    with pytest.raises(InputError, match="all 2 files are named .side-by-side or .uncertainty; pass one of them alone"):
        plan(["scans/*.uncertainty.png"], "out")
