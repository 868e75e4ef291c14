"""Errors of folders of pictures, and files that are left out."""

from pathlib import Path

import pytest

import colourize.data.folder as folder_module
from colourize.errors import InputError
from tests.drawn_pictures import draw, opened, seen, shades


def test_unreadable_files_are_counted_and_the_first_ten_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    draw(root, "a.png", "b.png")
    whole = (root / "a.png").read_bytes()
    for i in range(10, 23):
        (root / f"{i}.png").write_bytes(b"" if i % 2 else whole[:48])
    (root / "0.png").symlink_to("nowhere.png")
    (root / "00\n.png").write_bytes(b"hello")
    for _ in range(2):  # read, and from the cache
        caplog.clear()
        pictures = opened(root)
        assert sorted(seen(pictures.train) + seen(pictures.validation)) == shades("ab")
        lines = [record.getMessage() for record in caplog.records]
        assert lines[0] == f"15 of 17 pictures in {root} cannot be read and are left out:"
        assert lines[1] == "  0.png: No such file or directory"
        assert lines[2] == "  '00\\n.png': not a picture of a known format"
        assert lines[3].startswith("  10.png: image file is truncated")
        assert lines[4] == "  11.png: an empty file"
        assert lines[-1] == "  and 5 more"
        assert len(lines) == 12


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ([], {}, "contains no picture files such as .jpg or .png; pass a folder"),
        (["a.png", "b.png"], {"classes": "cat"}, "has no subfolders of classes; add them, or pass 'all'"),
        (["cat/a.png", "cat/b.png"], {"classes": "dog"}, "classes='dog': unknown class; pass some of cat"),
        (["cat/a.png", "cat/b.png"], {"classes": []}, "must name at least one class"),
        (["train/cat/a.png", "test/dog/b.png"], {"classes": "cat"}, "no pictures of them validate"),
        (["train/cat/a.png", "test/dog/b.png"], {"classes": "dog"}, "unknown class; pass some of cat"),
        (["test/a.png", "test/b.png"], {}, "contains test/ but no pictures in train/; add some, or pass that folder"),
        (["train/a.png", "bus/b.png"], {}, "train/ and bus/, so it may be a split or a class; pass"),
        (["a.png"], {}, "fewer than two distinct ones, cannot be split"),
        (["a.png", "b.png"], {"image_size": 7}, "image_size must be >= 8, got 7; pass image_size=32"),
        (["a.png", "b.png"], {"holdout": -0.1}, "holdout must be >= 0 and < 1, got -0.1"),
        (["a.png", "b.png"], {"holdout": 1.0}, "holdout must be >= 0 and < 1, got 1.0"),
        (["a.png", "b.png"], {"holdout": float("nan")}, "holdout must be finite and >= 0 and < 1, got nan"),
    ],
)
def test_an_unusable_argument_is_one_line(
    names: list[str], options: dict[str, object], message: str, root: Path
) -> None:
    draw(root, *names)
    with pytest.raises(InputError) as caught:
        opened(root, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_root_other_than_a_folder_is_named(root: Path) -> None:
    draw(root, "a.png")
    with pytest.raises(InputError, match=r"a\.png is not a folder; pass"):
        opened(root / "a.png")
    with pytest.raises(InputError, match="none does not exist; pass"):
        opened(root / "none")


@pytest.mark.parametrize("broken", ["train/a.png", "test/b.png"])
def test_a_split_without_a_readable_picture_is_an_error(broken: str, root: Path) -> None:
    draw(root, "train/a.png", "test/b.png")
    (root / broken).write_bytes(b"")
    with pytest.raises(
        InputError, match=f"the unreadable files \\(1\\), the first of them {broken} \\(an empty file\\)"
    ):
        opened(root)


def test_pictures_that_do_not_fit_the_memory_are_refused_before_they_are_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    draw(root, "train/a.png", "test/b.png")
    monkeypatch.setattr(folder_module, "available", lambda: 2 * 64 * folder_module.PER_PIXEL - 1)
    monkeypatch.setattr(folder_module, "_read", lambda *given: pytest.fail("read"))
    with pytest.raises(InputError, match=r"^2 pictures of 8 x 8 pixels take .* GB of memory, .*data\.mapped=true"):
        opened(root)
    monkeypatch.undo()
    monkeypatch.setattr(folder_module, "available", lambda: 0)
    assert len(opened(root, mapped=True, cache_dir=tmp_path / "cache").train) == 1
