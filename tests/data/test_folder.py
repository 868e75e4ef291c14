"""Folders of pictures in every layout, with other files in them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import colourize.data.folder as folder_module
from colourize.data.splits import split_folders
from colourize.errors import InputError
from tests.drawn_pictures import draw, opened, seen, shades


@pytest.mark.parametrize("test", ["test", "val", "valid", "validation", "TEST", "Val"])
@pytest.mark.parametrize("train", ["train", "Train"])
@pytest.mark.parametrize("name", ["", "cat/", "cat/deep/deeper/"])
def test_with_both_folders_the_second_validates(train: str, test: str, name: str, root: Path) -> None:
    draw(root, f"{train}/{name}a.png", f"{train}/{name}b.png", f"{test}/{name}c.png")
    pictures = opened(root)
    assert (seen(pictures.train), seen(pictures.validation)) == (shades("ab"), shades("c"))
    assert pictures.train.shape == (2, 8, 8, 3)


def test_a_validation_folder_takes_precedence_over_the_test_folder(root: Path) -> None:
    draw(root, "train/a.png", "val/b.png", "test/c.png", "extra/d.png", "e.png")
    pictures = opened(root)
    assert (seen(pictures.train), seen(pictures.validation)) == (shades("a"), shades("b"))


@pytest.mark.parametrize("below", ["", "train/", "cat/", "train/cat/"])
def test_without_a_test_folder_a_tenth_validates(below: str, root: Path) -> None:
    names = [f"{below}{i}.png" for i in range(100, 300)]
    draw(root, *names)
    pictures = opened(root)
    assert sorted(seen(pictures.train) + seen(pictures.validation)) == shades(names)
    assert len(pictures.validation) == pytest.approx(20, abs=15)


def test_with_a_holdout_the_test_folder_is_not_read(root: Path) -> None:
    draw(root, *(f"train/{i}.png" for i in range(100, 200)))
    (root / "test").mkdir()
    (root / "test" / "broken.png").write_bytes(b"")
    pictures = opened(root, holdout=0.5)
    assert len(pictures.train) + len(pictures.validation) == 100
    assert 25 < len(pictures.validation) < 75


@pytest.mark.parametrize("name", ["val", "validation"])
def test_with_a_holdout_the_log_says_that_the_validation_folder_is_not_read(root, caplog, name):
    draw(root, *(f"train/{i}.png" for i in range(100, 140)), f"{name}/200.png")
    assert len(opened(root).validation) == 1 and not caplog.records
    assert len(opened(root, holdout=0.5).validation) > 1
    (line,) = caplog.messages
    share = "so this share of the training pictures validates"
    assert line == f"{root / name} is not read: holdout=0.5, {share}; holdout=0 validates on it"


def _sides(root: Path, **options: object) -> tuple[set[bytes], set[bytes]]:
    pictures = opened(root, **options)
    return {p.numpy().tobytes() for p in pictures.train}, {p.numpy().tobytes() for p in pictures.validation}


def test_a_file_keeps_its_side_when_others_are_added_or_it_moves(root: Path) -> None:
    generator = np.random.default_rng(0)
    files = [generator.integers(0, 256, (8, 8, 3), np.uint8) for _ in range(80)]
    for i, file in enumerate(files[:40]):
        Image.fromarray(file).save(root / f"{i}.png")
    train, validation = _sides(root, holdout=0.3)
    (root / "moved").mkdir()
    for i in range(40):
        (root / f"{i}.png").rename(root / "moved" / f"{90 - i}.png")
    for i, file in enumerate(files[40:], 40):
        Image.fromarray(file).save(root / f"{i}.png")
    more_train, more_validation = _sides(root, holdout=0.3)
    assert train < more_train
    assert validation < more_validation


def test_duplicates_are_on_one_side(root: Path) -> None:
    for i in range(20):
        for copy in "abc":
            Image.new("RGB", (8, 8), (i, i, i)).save(root / f"{i}{copy}.png")
    pictures = opened(root, holdout=0.5)
    train, validation = seen(pictures.train), seen(pictures.validation)
    assert not set(train) & set(validation)
    assert sorted(train + validation) == sorted(3 * list(range(20)))


@pytest.mark.parametrize(
    ("classes", "chosen"),
    [
        ("cat", "ab"),
        ("CAT", "ab"),
        ("dog", "c"),
        (0, "ab"),
        ("1", "c"),
        (["dog", "Frog"], "cd"),
        ("dog,cat", "abc"),
        ("all", "abcde"),
        (["all"], "abcde"),
    ],
)
def test_classes_choose_sub_folders(classes: str | int | list[str], chosen: str, root: Path) -> None:
    draw(root, "train/Cat/a.png", "train/Cat/sub/b.png", "train/dog/c.png", "train/frog/d.png", "train/e.png")
    draw(root, "test/cat/f.png", "test/DOG/f.png", "test/frog/f.png")
    assert seen(opened(root, classes=classes).train) == shades(chosen)
    assert set(seen(opened(root, classes=classes).validation)) == set(shades("f"))


def test_only_the_chosen_classes_are_read(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    draw(root, "cat/a.png", "cat/b.png")
    (root / "dog").mkdir()
    (root / "dog" / "broken.png").write_bytes(b"")
    opened(root, classes="cat")
    assert not caplog.records
    opened(root)
    assert len(caplog.records) == 2


def test_any_format_and_extension_is_read_and_other_files_are_not(root: Path) -> None:
    draw(root, "a.PNG", "b.png", "c.Jpeg")  # Pillow recognizes formats by content
    for i, (ending, kind) in enumerate({"bmp": "BMP", "gif": "GIF", "tif": "TIFF", "webp": "WEBP"}.items()):
        Image.new("RGB", (9, 9), (i, i, i)).save(root / f"x.{ending}", kind, **({"lossless": True} if i == 3 else {}))
    for name in ("notes.txt", "labels.csv", "Thumbs.db", "png", "d.eps", "e.h5"):
        (root / name).write_bytes(b"text")
    draw(root, ".hidden.png", "._a.png", ".git/x.png", "__MACOSX/x.png", "sub/.cache/x.png")
    pictures = opened(root)
    assert sorted(seen(pictures.train) + seen(pictures.validation)) == sorted([*shades("abc"), 0, 1, 2, 3])


def test_pictures_are_cropped_to_the_centre_square(root: Path) -> None:
    wide = np.zeros((16, 40, 3), np.uint8)
    wide[:, 12:28] = 200
    for i in range(2):
        wide[0, 0] = i
        Image.fromarray(wide).save(root / f"{i}.png")
    pictures = opened(root, image_size=16)
    assert seen(pictures.train) == seen(pictures.validation) == [200]


def test_links_are_followed_except_in_cycles(root: Path, tmp_path: Path) -> None:
    draw(tmp_path, "elsewhere/b.png")
    draw(root, "cat/a.png")
    (root / "cat" / "around").symlink_to(root)
    (root / "cat" / "self").symlink_to(root / "cat")
    (root / "dog").symlink_to(tmp_path / "elsewhere")
    (root / "frog").mkdir()
    (root / "frog" / "c.png").symlink_to(root / "cat" / "a.png")
    pictures = opened(root)
    assert sorted(seen(pictures.train) + seen(pictures.validation)) == shades("aab")


def test_pictures_are_in_the_order_of_their_names(root: Path) -> None:
    draw(root, "train/c.png", "train/a.png", "train/sub/b.png", "test/x.png")
    assert opened(root).train[:, 0, 0, 0].tolist() == [shades([name])[0] for name in "acb"]


def test_threads_give_the_same_pictures(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    for i in range(70):
        Image.fromarray(generator.integers(0, 256, (12, 12, 3), np.uint8)).save(root / f"{i}.png")
    one = opened(root, cache_dir=root.parent / "one")
    monkeypatch.setattr(folder_module, "SMALL_FILE", 0)
    several = opened(root, cache_dir=root.parent / "several")
    assert torch.equal(one.train, several.train)
    assert torch.equal(one.validation, several.validation)


parts = st.lists(st.sampled_from(["train", "Test", "val", "cat", "Dog"]), max_size=3)


@settings(deadline=None)
@given(st.sets(parts.map(lambda folders: "/".join([*folders, "x.png"]))))
def test_every_picture_is_on_one_side_except_files_outside_the_splits(paths: set[str]) -> None:
    try:
        train, validation = split_folders(Path("root"), paths)
    except InputError:  # tested separately
        return
    assert not set(train) & set(validation)
    assert set(train) | set(validation) <= paths
    if not any(path.startswith("train/") for path in paths):
        assert set(train) == paths
    assert {name for name in (train | validation).values() if name is not None} <= {
        "train",
        "test",
        "val",
        "cat",
        "dog",
    }
