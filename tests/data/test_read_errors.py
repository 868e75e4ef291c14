"""Pictures that cannot be read: too large, damaged, missing, or not files; each with its reason."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from colourize.data.read import MAX_PIXELS, UnreadablePicture, declared_size, read_rgb, square
from tests.drawn_pictures import encoded, png


@pytest.mark.parametrize("side", [9460, 12_000, 13_500, 20_000, 2**31 - 1])
def test_a_bomb_is_refused_before_reading(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: ImageFile.ImageFile) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(UnreadablePicture, match=f"^{side} x {side} pixels, more than the limit of {MAX_PIXELS}$"):
        read_rgb(png(side, side, 8, 2, b""))


def test_the_limit_is_inclusive() -> None:
    assert read_rgb(encoded(Image.new("L", (10, 10))), max_pixels=100).size == (10, 10)
    with pytest.raises(UnreadablePicture, match=r"^10 x 11 pixels"):
        read_rgb(encoded(Image.new("L", (10, 11))), max_pixels=100)


@pytest.mark.parametrize("of_pillow", [40, 70])  # beyond twice its limit Pillow raises, before that it warns
def test_pillow_s_own_limit_is_not_changed(of_pillow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", of_pillow)
    file = encoded(Image.new("RGB", (10, 10), "teal"))
    assert square(read_rgb(file), 5).size == (5, 5)
    with pytest.raises(UnreadablePicture):
        read_rgb(file, max_pixels=99)
    assert of_pillow == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"no picture at all\n" * 9, "not a picture of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not a picture of a known format"),
        (encoded(Image.effect_noise((64, 64), 50))[:2000], "image file is truncated"),
        (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:1500], "image file is truncated"),
        (encoded(Image.effect_noise((64, 64), 50), "BMP")[:1500], "image file is truncated"),
        (png(8, 4, 8, 3, b"\0" * 36), "a damaged file, or of a kind that Pillow cannot read"),  # no palette
    ],
)
def test_an_unreadable_picture_has_a_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(UnreadablePicture, match=f"^{reason}"):
            read_rgb(source)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for function in (read_rgb, declared_size):
        with pytest.raises(UnreadablePicture, match="^not a regular file$"):
            function(tmp_path / "pipe.png")


def test_a_missing_file_and_a_folder_have_their_own_reasons(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="No such file"):
        read_rgb(tmp_path / "none.png")
    with pytest.raises(UnreadablePicture, match="directory"):
        read_rgb(tmp_path)


FILES = [
    encoded(Image.effect_noise((24, 18), 60).convert("RGB"), kind)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "TGA", "PPM", "ICO", "PCX", "SGI", "JPEG2000")
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_damaged_file_gives_a_picture_or_one_kind_of_error(file: bytes, data: st.DataObject) -> None:
    damaged = bytearray(file)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, min(len(file), 400) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(file)))]) if data.draw(st.booleans()) else bytes(damaged)
    with contextlib.suppress(UnreadablePicture):
        assert read_rgb(cut, max_pixels=10**6).mode == "RGB"
