"""Which files of a folder are pictures, and the log about the others."""

import logging
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colourize.data import kinds, read
from colourize.data.read import extensions, read_rgb
from colourize.errors import InputError
from tests.drawn_pictures import draw, opened, seen, shades
from tests.icc import ADOBE, P3

heif = pytest.importorskip("pillow_heif")


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch):
    """Pillow as without ``pillow-heif``."""
    read.formats()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for name in (".heic", ".heics", ".heif", ".heifs", ".hif"):
        monkeypatch.delitem(Image.EXTENSION, name)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    read.formats.cache_clear()
    read.extensions.cache_clear()
    yield
    read.formats.cache_clear()
    read.extensions.cache_clear()


def lines(root: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log of reading the files; asserts that it is the same from the cache."""
    message = []
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            opened(root)
        message.append([record.getMessage() for record in caplog.records if not record.getMessage().startswith("  ")])
    assert message[0] == message[1]
    return message[0]


def test_heic_is_read_with_its_orientation_and_profile(tmp_path: Path) -> None:
    assert {".heic", ".heif", ".avif"} <= extensions()
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (64, 32), (60, 200, 60))
    read.formats()
    image.save(tmp_path / "a.heic", quality=-1, exif=exif.tobytes(), icc_profile=P3)
    shown = read_rgb(tmp_path / "a.heic")
    assert shown.size == (32, 64)
    np.testing.assert_allclose(np.asarray(shown)[8, 8], (0, 203, 11), atol=6)


def test_heic_that_cannot_be_read_is_counted_with_its_remedy(
    root: Path, caplog: pytest.LogCaptureFixture, without_heif: None
) -> None:
    draw(root, "a.png", "b.png")
    for i in range(200):
        (root / f"{i}.{'HEIC' if i % 2 else 'heic'}").write_bytes(b"\0\0\0\x18ftypheic")
    (root / "IMG_1").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    assert lines(root, caplog) == [f"201 .heic files in {root} are left out: pip install pillow-heif"]
    for name in "ab":
        (root / f"{name}.png").unlink()
    with pytest.raises(
        InputError, match=r"contains 201 \.heic files, which cannot be read yet: pip install pillow-heif$"
    ):
        opened(root)


def test_every_omitted_kind_is_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    draw(root, "a.png", "b.png")
    for name in ("c.CR2", "sub/d.cr2", "e.svg", "notes.txt", "x.json", "y.json", "LICENSE", "Thumbs.db", ".hidden.xyz"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"text")
    os.mkfifo(root / "pipe.jpg")
    os.mkfifo(root / "pipe")
    (root / "x.a\x1b[2J").write_bytes(b"")
    assert lines(root, caplog) == [
        f"2 .cr2 files in {root} are left out; convert them to JPEG or PNG",
        f"1 '.a\\x1b[2j' file in {root} is left out; convert it to JPEG or PNG",
        f"1 .svg file in {root} is left out; convert it to JPEG or PNG",
        f"1 pipe, socket or device in {root} is left out",
        f"2 files without an extension, 2 .json files, 1 .db file, 1 .txt file in {root}: not pictures, left out",
    ]


def test_many_kinds_are_reported_in_a_few_lines(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    draw(root, "a.png", "b.png")
    for i in range(40):
        (root / f"x.k{i}").write_bytes(b"")
    message = lines(root, caplog)
    assert len(message) == kinds.NAMED_KINDS + 1
    assert message[-1] == "and 32 files of 32 other kinds are left out; convert them to JPEG or PNG"


@pytest.mark.parametrize(
    "kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "JPEG2000", "AVIF", "HEIF", "MPO"]
)  # fmt: skip
def test_a_file_without_an_extension_is_recognized_by_its_content(kind: str, root: Path) -> None:
    draw(root, "a.png")
    Image.new("RGB", (64, 64), (100, 155, 7)).save(root / "2007_000123", kind)
    (root / "text").write_bytes(b"BMX is a sport, and this no picture")
    (root / "empty").write_bytes(b"")
    (root / "nowhere").symlink_to("none")
    (root / "dots.").write_bytes(b"text")
    pictures = opened(root)
    assert len(pictures.train) + len(pictures.validation) == 2
    shade = read_rgb(root / "2007_000123").getpixel((5, 5))
    assert np.abs(np.array(shade) - (100, 155, 7)).max() < 12


def test_a_file_without_an_extension_that_cannot_be_opened_is_not_a_picture(root: Path, monkeypatch) -> None:
    draw(root, "a.png", "b.png")
    (root / "secret").write_bytes(b"\x89PNG\r\n\x1a\n")
    real = open

    def refuse(path: str, *args: object) -> object:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args)

    monkeypatch.setattr("builtins.open", refuse)
    pictures = opened(root)
    assert sorted(seen(pictures.train) + seen(pictures.validation)) == shades("ab")


@pytest.mark.parametrize(("grey", "of", "printed"), [(10, 10, "all 10"), (3, 10, "3 of 10 (30%)"), (2, 10, None)])
def test_grey_pictures_are_reported_if_they_exceed_a_fifth(
    grey: int, of: int, printed: str | None, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for i in range(of):
        colour = (i, i + 7, i) if i < grey else (i, i + 40, i)
        Image.new("RGB", (8, 8), colour).save(root / f"{i:02}.png")
    (root / "broken.png").write_bytes(b"")
    message = [line for line in lines(root, caplog) if "are grey" in line]
    assert message == ([f"{printed} pictures in {root} are grey and have no colours to learn:"] if printed else [])
    named = [record.getMessage() for record in caplog.records if record.getMessage().startswith("  0")]
    assert named == ([f"  {i:02}.png" for i in range(grey)] if printed else [])


def test_ten_of_many_grey_pictures_are_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(30):
        Image.new("L", (8, 8), i).save(root / f"{i:02}.png")
    for _ in range(2):
        caplog.clear()
        opened(root)
        message = [record.getMessage() for record in caplog.records]
        assert message[0].startswith("all 30 pictures")
        assert message[1:] == [*(f"  {i:02}.png" for i in range(10)), "  and 20 more"]


def test_broken_profiles_are_counted_and_the_setting_changes_the_arrays(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for i in range(14):
        Image.new("RGB", (8, 8), (60, 200, 60 + i)).save(
            root / f"{i:02}.png", icc_profile=b"broken" if i < 12 else ADOBE
        )
    found = []
    for _ in range(2):
        caplog.clear()
        found.append(opened(root, profiles=True))
        message = [record.getMessage() for record in caplog.records]
        assert message[0] == f"12 embedded colour profiles in {root} are broken and ignored:"
        assert message[1] == "  00.png: a damaged profile, or one without colours"
        assert message[-1] == "  and 2 more" and len(message) == 12
    caplog.clear()
    stored = opened(root)  # as in runs older than the setting
    assert caplog.records == []

    def greens(pictures: object) -> set[int]:
        return {*pictures.train[:, 0, 0, 1].tolist(), *pictures.validation[:, 0, 0, 1].tolist()}

    assert greens(found[0]) == greens(found[1]) == {200, 201}
    assert greens(stored) == {200}


def test_a_link_to_itself_does_not_stop_the_others(tmp_path):
    (tmp_path / "a.png").touch()
    for name in ("self", "self.png"):
        (tmp_path / name).symlink_to(name)
    names, others = kinds.scan(tmp_path)
    assert names == ["a.png", "self.png"] and others == {"": 1}
