"""The second and later starts with a folder."""

import os
import shutil
from pathlib import Path

import pytest
import torch

import colourize.data.read_files as read_module
from tests.drawn_pictures import draw, opened


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Names of the files that were read."""
    files: list[bytes] = []
    real = read_module.read_rgb
    monkeypatch.setattr(read_module, "read_rgb", lambda file, **options: files.append(file) or real(file, **options))
    return files


def test_the_second_start_reads_no_file(root: Path, read_files: list[bytes]) -> None:
    draw(root, "a.png", "b.png")
    first = opened(root)
    assert len(read_files) == 2
    second = opened(root)
    assert len(read_files) == 2
    assert torch.equal(first.train, second.train)
    assert torch.equal(first.validation, second.validation)


def test_changed_pictures_or_settings_are_read_again(root: Path, read_files: list[bytes]) -> None:
    draw(root, "cat/a.png", "cat/b.png", "dog/c.png")

    def again(**options: object) -> bool:
        before = len(read_files)
        opened(root, **options)
        return len(read_files) > before

    assert again()
    os.utime(root / "cat" / "a.png", ns=(1, 1))
    assert again()
    draw(root, "cat/d.png")
    assert again()
    (root / "cat" / "d.png").rename(root / "cat" / "e.png")
    assert again()
    (root / "cat" / "e.png").unlink()
    assert not again()  # the files of the second time
    draw(root, "cat/b.png", side=20)
    assert again()
    assert again(image_size=9)
    assert again(holdout=0.4)
    assert again(classes="cat")
    assert not again(classes="cat")
    assert not again()


def test_two_folders_with_the_same_names_sizes_and_times_are_distinguished(root: Path, read_files: list[bytes]) -> None:
    draw(root, "a.png", "b.png")
    shutil.copytree(root, root.parent / "twin")
    opened(root)
    opened(root.parent / "twin")
    assert len(read_files) == 4


@pytest.mark.parametrize("ending", ["-train.npy", "-validation.npy", ".json"])
@pytest.mark.parametrize("damage", [b"", b"garbage" * 40, None])
def test_a_damaged_cache_is_built_again(ending: str, damage: bytes | None, root: Path, read_files: list[bytes]) -> None:
    draw(root, "a.png", "b.png")
    first = opened(root)
    [path] = (root.parent / "cache").glob(f"*{ending}")
    whole = path.read_bytes()
    path.write_bytes(whole[:48] + b"9" + whole[-19:] if damage is None else damage)
    again = opened(root)
    assert len(read_files) == 4
    assert torch.equal(first.train, again.train)
    assert torch.equal(first.validation, again.validation)
    assert path.read_bytes() == whole
