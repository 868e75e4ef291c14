"""Preparation of a folder of any pictures for training."""

import json
import os
import shlex
import shutil

import pytest
from filelock import FileLock
from PIL import Image, ImageOps

from colourize.config.quoting import word
from colourize.data.folder import load
from colourize.data.preparation import examination, output, pages
from colourize.data.preparation.run import prepare
from colourize.data.preparation.said import lines
from colourize.data.preparation.settings import Settings
from colourize.data.preparation.summary import training_command
from colourize.errors import InputError
from tests.textured import save, textured

SMALL = Settings(side=24, smallest=12, form="png")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Leaves out the floors (see test_floor.py): k-means takes a second each time."""
    monkeypatch.setattr(output, "floors", lambda train, validation: {})


@pytest.fixture
def root(tmp_path):
    """Twenty good pictures in two classes, and one or two of each kind that is dropped."""
    folder = tmp_path / "pictures"
    for seed in range(20):
        save(textured(seed), folder / ("cat", "horse")[seed % 2] / f"{seed}.png")
    save(textured(3).resize((30, 25)), folder / "near.jpg", quality=80)
    save(ImageOps.mirror(textured(4)), folder / "mirrored.png")
    shutil.copy(folder / "cat/0.png", folder / "copy.png")
    save(textured(20).convert("L"), folder / "grey.png")
    save(ImageOps.colorize(textured(21).convert("L"), "#20120a", "#fbe7c0"), folder / "sepia.png")
    save(textured(22, 30, 8), folder / "tiny.png")
    save(textured(23, 200, 20), folder / "narrow.png")
    (folder / "text.png").write_text("not a picture")
    (folder / "cut.png").write_bytes((folder / "cat/0.png").read_bytes()[:200])
    (folder / "notes.txt").write_text("not a picture")
    return folder


def states(prepared):
    return {outcome.file.path: outcome.state for outcome in prepared.outcomes}


def written(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_unusable_pictures_are_dropped_and_named(root, tmp_path):
    prepared = prepare(root, tmp_path / "out", SMALL, 2)
    found = states(prepared)
    dropped = {path: state for path, state in found.items() if state != "kept"}
    assert dropped == {
        "near.jpg": "near-duplicate", "mirrored.png": "near-duplicate", "copy.png": "duplicate", "grey.png": "grey",
        "sepia.png": "tinted", "tiny.png": "tiny", "narrow.png": "narrow", "text.png": "unreadable",
        "cut.png": "unreadable",
    }  # fmt: skip
    like = {outcome.file.path: outcome.like for outcome in prepared.outcomes if outcome.like}
    assert like == {"near.jpg": "horse/3.png", "mirrored.png": "cat/4.png", "copy.png": "cat/0.png"}
    figures = json.loads((tmp_path / "out/prepared.json").read_text())
    assert figures == prepared.figures
    assert (figures["files"], figures["kept"], figures["left_out"]) == (29, 20, {".txt": 1})
    assert sum(split["pictures"] for split in figures["splits"].values()) == 20
    page = (tmp_path / "out/prepared.html").read_text()
    assert all(path in page for path in dropped)


def test_the_result_can_be_trained_on(root, tmp_path):
    prepared = prepare(root, tmp_path / "out", SMALL, 1)
    pictures = load(tmp_path / "out", image_size=16, cache_dir=tmp_path / "cache")
    splits = prepared.figures["splits"]
    assert (len(pictures.train), len(pictures.validation)) == (splits["train"]["pictures"], splits["val"]["pictures"])


def test_pictures_are_reduced_and_never_enlarged(root, tmp_path):
    prepared = prepare(root, tmp_path / "out", Settings(side=45, smallest=12, form="jpeg"), 1)
    for outcome in prepared.outcomes:
        if outcome.state == "kept":
            with Image.open(tmp_path / "out" / outcome.written) as image:
                assert (image.format, image.size) == ("JPEG", (48, 40))
    prepare(root, tmp_path / "squares", Settings(side=24, square=True, smallest=12), 1)
    for path in (tmp_path / "squares/train").rglob("*.webp"):
        with Image.open(path) as image:
            assert (image.format, image.size) == ("WEBP", (24, 24))


def test_a_second_call_writes_nothing(root, tmp_path, monkeypatch):
    out = tmp_path / "out"
    first = prepare(root, out, SMALL, 1)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    monkeypatch.setattr(examination, "read_rgb", None)  # no picture is read
    again = prepare(root, out, SMALL, 1)
    assert (again.new, again.figures) == (0, first.figures)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


def test_added_pictures_do_not_change_prepared_ones(root, tmp_path):
    out = tmp_path / "out"
    first = prepare(root, out, SMALL, 1)
    before = {path: content for path, content in written(out).items() if "/" in path}
    save(textured(5, 96, 80), root / "a larger copy.png")
    for seed in range(30, 40):
        save(textured(seed), root / "cat" / f"{seed}.png")
    second = prepare(root, out, SMALL, 1)
    assert second.new == 10
    after = written(out)
    assert {path: after[path] for path in before} == before
    assert second.figures["kept"] == first.figures["kept"] + 10
    assert states(second)["a larger copy.png"] == "near-duplicate"


@pytest.mark.slow
def test_an_interrupted_preparation_continues_to_the_same_result(root, tmp_path, monkeypatch):
    prepare(root, tmp_path / "out", SMALL, 1)
    (tmp_path / "out").rename(tmp_path / "whole")  # the page names its folder
    number, original = 0, examination.examine

    def interrupted(*arguments):
        nonlocal number
        number += 1
        if number > 20:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(examination, "BATCH", 2)
    monkeypatch.setattr(examination, "examine", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(root, tmp_path / "out", SMALL, 1)
    read = len((tmp_path / "out/pictures.jsonl").read_text().splitlines())
    assert 10 <= read <= 20
    assert json.loads((tmp_path / "out/prepared.json").read_text())["status"] == "unfinished"
    number = read - 9  # exactly the remaining pictures
    prepare(root, tmp_path / "out", SMALL, 1)
    assert written(tmp_path / "out") == written(tmp_path / "whole")
    assert [path.name for path in (tmp_path / "out").glob(".*")] == [".lock"]


def test_a_copy_is_never_on_both_sides_of_the_folder_s_own_split(tmp_path):
    for seed in range(12):
        save(textured(seed), tmp_path / "in/train" / f"{seed}.png")
    for seed in range(10, 14):
        save(textured(seed).resize((36, 30)), tmp_path / "in/test" / f"{seed}.png")
    prepared = prepare(tmp_path / "in", tmp_path / "out", SMALL, 1)
    assert [path for path, state in states(prepared).items() if state != "kept"] == ["train/10.png", "train/11.png"]
    assert prepared.figures["splits"]["test"]["pictures"] == 4
    assert prepared.figures["splits"]["val"]["pictures"] >= 1


def test_the_prepared_file_of_a_removed_picture_is_counted(root, tmp_path):
    prepare(root, tmp_path / "out", SMALL, 1)
    (root / "cat/6.png").unlink()
    assert prepare(root, tmp_path / "out", SMALL, 1).stray == 1


def test_a_copy_takes_the_place_of_a_removed_original(root, tmp_path):
    prepare(root, tmp_path / "out", SMALL, 1)
    (root / "horse/3.png").unlink()
    again = prepare(root, tmp_path / "out", SMALL, 1)
    assert states(again)["near.jpg"] == "kept"
    assert again.new == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"side": 25}, "out was prepared with side 24, not 25; pass the same value, or another folder"),
        ({"form": "webp"}, "prepared with format png, not webp"),
        ({"distance": 3}, "prepared with distance 48, not 3"),
    ],
)
def test_other_settings_require_another_folder(root, tmp_path, settings, said):
    prepare(root, tmp_path / "out", SMALL, 1)
    with pytest.raises(InputError, match=said):
        prepare(root, tmp_path / "out", Settings(**{"side": 24, "smallest": 12, "form": "png", **settings}), 1)


def test_a_folder_with_other_files_is_refused(root, tmp_path):
    save(textured(0), tmp_path / "mine/train/a.png")
    with pytest.raises(InputError, match="mine contains other files; pass a new or an empty folder"):
        prepare(root, tmp_path / "mine", SMALL, 1)
    for out in (root, root / "out", tmp_path):
        with pytest.raises(InputError, match="must neither be in .* nor contain it"):
            prepare(root, out, SMALL, 1)
    (tmp_path / "link").mkdir()
    (tmp_path / "link/train").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match="links are not followed"):
        prepare(root, tmp_path / "link", SMALL, 1)


def test_a_link_in_the_output_is_not_followed(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    prepare(root, tmp_path / "out", SMALL, 1)
    shutil.rmtree(tmp_path / "out/train/cat")
    (tmp_path / "out/train/cat").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="train/cat is a link to"):
        prepare(root, tmp_path / "out", SMALL, 1)
    assert not any((tmp_path / "elsewhere").iterdir())


def test_the_command_that_trains_can_be_typed(tmp_path):
    for name in ("plain", "a b", "a,b(1)", "it's", "$x,y", 'a"b'):
        *words, given, size, space = shlex.split(training_command(tmp_path / name, 128))
        assert words == ["python", "train.py", "data=folder"] and (size, space) == ("image_size=64", "colour_space=lab")
        assert given == word("data.root", tmp_path / name)


def test_a_call_without_changes_prints_two_lines(root, tmp_path):
    first = list(lines(prepare(root, tmp_path / "out", SMALL, 1), tmp_path / "out", SMALL))
    again = list(lines(prepare(root, tmp_path / "out", SMALL, 1), tmp_path / "out", SMALL))
    assert len(first) > 8 and len(again) == 2 and again[-1] == first[-1]
    assert again[0].startswith("nothing is new: ") and again[-1].endswith(" image_size=24 colour_space=lab")
    save(textured(77), root / "cat/new.png")
    third = list(lines(prepare(root, tmp_path / "out", SMALL, 1), tmp_path / "out", SMALL))
    assert len(third) > 8 and third[0].endswith("1 of them new")


def test_two_processes_do_not_prepare_one_folder(root, tmp_path):
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/.lock"), pytest.raises(InputError, match="is being prepared by another process"):
        prepare(root, tmp_path / "out", SMALL, 1)


def test_fewer_than_two_pictures_are_an_error(tmp_path):
    save(textured(0), tmp_path / "in/a.png")
    save(textured(0), tmp_path / "in/b.png")
    save(textured(1).convert("L"), tmp_path / "in/c.png")
    with pytest.raises(InputError, match=r"1 picture is left of 3 in .* \(1 grey, 1 duplicate\), but training needs 2"):
        prepare(tmp_path / "in", tmp_path / "out", SMALL, 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="contains no picture files"):
        prepare(tmp_path / "empty", tmp_path / "out", SMALL, 1)


@pytest.mark.parametrize(
    ("values", "said"),
    [({"side": 4}, "--side must be in 8"), ({"form": "gif"}, "one of webp, jpeg, png, got gif"),
     ({"smallest": 0}, "--smallest must be >= 1"), ({"chroma": float("nan")}, "--chroma must be >= 0"),
     ({"distance": 101}, "--distance must be in 0"), ({"validation": 0.0}, "--val must be > 0"),
     ({"validation": 0.5, "test": 0.5}, "their sum < 1")],
)  # fmt: skip
def test_settings_out_of_range_are_named(values, said):
    with pytest.raises(InputError, match=said):
        Settings(**values)


def test_a_pipe_as_lock_is_named_and_not_waited_for(root, tmp_path):
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out/.lock")
    with pytest.raises(InputError, match=r"out/\.lock must be a regular file"):
        prepare(root, tmp_path / "out", SMALL, 1)


def test_a_file_of_many_gigabytes_is_dropped_unread(root, tmp_path, monkeypatch):
    for module in (examination, pages):
        monkeypatch.setattr(module, "LARGEST", 100_000)
    (root / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100_000))
    sizes, original = [], pages.read_rgb
    monkeypatch.setattr(pages, "read_rgb", lambda content, **given: sizes.append(len(content)) or original(content))
    assert states(prepare(root, tmp_path / "out", SMALL, 1))["huge.png"] == "unreadable"
    assert sizes and max(sizes) <= 100_000


def test_changed_figures_of_an_earlier_call_are_not_printed(root, tmp_path):
    prepare(root, tmp_path / "out", SMALL, 1)
    figures = json.loads((tmp_path / "out/prepared.json").read_text())
    (tmp_path / "out/prepared.json").write_text(json.dumps({**figures, "kept": "many", "files": []}))
    (line, _) = lines(prepare(root, tmp_path / "out", SMALL, 1), tmp_path / "out", SMALL)
    assert line.startswith("nothing is new: 20 of 29 picture files are kept in ")
