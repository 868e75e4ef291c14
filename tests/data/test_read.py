"""Every kind of picture file, compared with numpy and scikit-image."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.color import lab2rgb

from colourize.data import read
from colourize.data.read import extensions, read_rgb, square
from tests.drawn_pictures import encoded, png

RAMP = np.linspace(0, 65535, 256 * 4).round().reshape(4, 256)
BYTES = np.arange(240, dtype=np.uint8).reshape(8, 10, 3)


def pixels(source: bytes | Path, **options: int) -> np.ndarray:
    image = read_rgb(source, **options)
    assert image.mode == "RGB"
    return np.asarray(image)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(values)[..., None], 3, axis=2)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "TGA", "GIF"])
def test_rgb_is_not_changed(kind: str) -> None:
    few = np.where(BYTES > 128, 255, 0).astype(np.uint8) if kind == "GIF" else BYTES
    np.testing.assert_array_equal(pixels(encoded(Image.fromarray(few), kind)), few)


def test_grey_becomes_three_equal_channels() -> None:
    np.testing.assert_array_equal(pixels(encoded(Image.fromarray(BYTES[..., 0]))), grey(BYTES[..., 0]))


def test_one_bit_is_black_and_white() -> None:
    checks = np.indices((6, 9)).sum(0) % 2 == 1
    np.testing.assert_array_equal(pixels(encoded(Image.fromarray(checks))), grey(checks * 255))


@pytest.mark.parametrize(
    ("kind", "dtype"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2"), ("PPM", "<i4"), ("TIFF", "<i4")]
)
def test_16_bits_are_rounded_to_8(kind: str, dtype: str) -> None:
    values = RAMP.astype(dtype)
    np.testing.assert_array_equal(pixels(encoded(Image.fromarray(values), kind)), grey(np.rint(RAMP / 257)))


@pytest.mark.parametrize("white", [1, 255, 65535, 1e6])
def test_a_float_ramp_up_to_any_usual_white_is_the_same_ramp(white: float) -> None:
    values = (RAMP / 65535 * white).astype(np.float32)
    shown = pixels(encoded(Image.fromarray(values), "TIFF")).astype(int)
    assert np.abs(shown - grey(np.rint(RAMP / 257))).max() <= 1  # halves may fall either way
    assert shown.mean() == pytest.approx(127.5, abs=0.1)


def test_floats_outside_black_and_white_are_clipped_and_nan_is_black() -> None:
    values = np.array([[-3, 0, 0.5, 1.5, np.nan, np.inf, -np.inf]], np.float32)
    np.testing.assert_array_equal(
        pixels(encoded(Image.fromarray(values), "TIFF")), grey(np.array([[0, 0, 128, 255, 0, 255, 0]]))
    )


def test_a_dark_float_picture_stays_dark() -> None:
    np.testing.assert_array_equal(pixels(encoded(Image.fromarray(np.full((3, 3), 0.1, np.float32)), "TIFF")), 26)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_transparency_is_composited_on_white(rgba: tuple[int, ...]) -> None:
    *colour, alpha = rgba
    shown = pixels(encoded(Image.new("RGBA", (2, 2), rgba)))[0, 0]
    np.testing.assert_allclose(shown, [(alpha * c + (255 - alpha) * 255) / 255 for c in colour], atol=1)
    shown = pixels(encoded(Image.new("LA", (2, 2), (colour[0], alpha))))[0, 0]
    np.testing.assert_allclose(shown, (alpha * colour[0] + (255 - alpha) * 255) / 255, atol=1)


def _palette(transparency: int | bytes) -> bytes:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 90, 0])
    image.putpixel((1, 0), 1)
    return encoded(image, transparency=transparency)


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        pytest.param(_palette(0), (0, 90, 0), id="palette, one index"),
        pytest.param(_palette(b"\x00\xff"), (0, 90, 0), id="palette, alpha for each"),
        pytest.param(png(2, 1, 8, 0, b"\0\x10\x20", b"\0\x10"), (32,) * 3, id="grey"),
        pytest.param(png(2, 1, 16, 0, b"\0\x10\x01\x20\x20", b"\x10\x01"), (32,) * 3, id="16-bit grey"),
        pytest.param(png(2, 1, 8, 2, b"\0\1\2\3\4\5\6", b"\0\1\0\2\0\3"), (4, 5, 6), id="RGB"),
        pytest.param(png(2, 1, 16, 2, b"\0\x91\1\2\2\3\3\4\4\5\5\6\6", b"\x91\1\2\2\3\3"), (4, 5, 6), id="16-bit RGB"),
        pytest.param(png(2, 1, 1, 0, b"\0\x40", b"\0\0"), (255,) * 3, id="1 bit"),
    ],
)
def test_a_hidden_colour_never_appears(file: bytes, seen: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(pixels(file), [[(255, 255, 255), seen]])


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_cmyk_is_multiplied_out(cmyk: tuple[int, ...]) -> None:
    *inks, key = cmyk
    expected = [(255 - ink) * (255 - key) / 255 for ink in inks]
    image = Image.new("CMYK", (16, 16), cmyk)
    np.testing.assert_allclose(pixels(encoded(image, "TIFF"))[0, 0], expected, atol=1)
    np.testing.assert_allclose(pixels(encoded(image, "JPEG", quality=100))[0, 0], expected, atol=3)


def test_ycbcr_is_bt601() -> None:
    y, cb, cr = 120, 100, 150
    expected = [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)]
    np.testing.assert_allclose(pixels(encoded(Image.new("YCbCr", (4, 4), (y, cb, cr)), "JPEG"))[0, 0], expected, atol=2)


@pytest.mark.parametrize(("light", "a", "b"), [(0, 0, 0), (137, 0, 0), (255, 0, 0), (150, 30, 20), (170, -10, 10)])
def test_lab_equals_scikit_image(light: int, a: int, b: int) -> None:
    image = Image.new("LAB", (4, 4), (light, a + 128, b + 128))
    expected = lab2rgb(np.array([[[light * 100 / 255, a, b]]]))[0, 0] * 255
    np.testing.assert_allclose(pixels(encoded(image, "TIFF"))[0, 0], expected, atol=5)


SHOWN = {  # the orientation of the stored rows and columns according to EXIF
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", SHOWN)
def test_exif_turns_the_picture_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(Image.fromarray(BYTES), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(pixels(file), SHOWN[orientation](BYTES))


def test_a_16_bit_picture_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = encoded(Image.fromarray(RAMP.astype(np.uint16)), exif=exif)
    np.testing.assert_array_equal(pixels(file), np.rot90(grey(np.rint(RAMP / 257)), -1))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (40, 7), (30, 30)])
def test_levels_are_numpy_s_array_and_its_own_memory(
    monkeypatch: pytest.MonkeyPatch, mode: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(read, "STRIP", 100)  # several strips, the last one smaller
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)).convert(mode)
    found = read.levels(image)
    assert found.dtype == np.uint8 and np.array_equal(found, np.asarray(image))
    assert found.flags.writeable and found.flags.c_contiguous


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_upright_picture_is_not_copied(kind: str) -> None:
    with Image.open(io.BytesIO(encoded(Image.fromarray(BYTES), kind))) as image:
        assert read.upright(image) is image


def test_damaged_exif_leaves_the_picture_readable() -> None:
    file = encoded(Image.new("RGB", (8, 8), "red"), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff")
    np.testing.assert_array_equal(pixels(file)[0, 0], (255, 0, 0))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_the_first_of_several_frames_is_read(kind: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("blue", "lime", "red")]
    file = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert getattr(Image.open(io.BytesIO(file)), "n_frames", 1) == 3
    np.testing.assert_allclose(pixels(file)[0, 0], (0, 0, 255), atol=2)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_a_square_has_its_size_and_keeps_a_single_colour(width: int, height: int, size: int) -> None:
    shown = np.asarray(square(Image.new("RGB", (width, height), (10, 130, 250)), size))
    np.testing.assert_array_equal(shown, np.broadcast_to(np.uint8([10, 130, 250]), (size, size, 3)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.booleans())
def test_without_scaling_the_centre_is_not_changed(extra: int, wide: bool) -> None:
    image = np.random.default_rng(extra).integers(0, 256, (12, 12 + extra, 3), np.uint8)
    centre = image[:, extra // 2 : extra // 2 + 12]
    if not wide:
        image, centre = image.swapaxes(0, 1), centre.swapaxes(0, 1)
    np.testing.assert_array_equal(np.asarray(square(Image.fromarray(np.ascontiguousarray(image)), 12)), centre)


def test_a_large_jpeg_is_read_smaller_to_the_same_square() -> None:
    rows, columns = np.indices((600, 1000))
    waves = np.stack([np.sin(rows / 90), np.cos(columns / 70), np.sin((rows + columns) / 110)], axis=2)
    file = encoded(Image.fromarray((127.5 + 127.5 * waves).astype(np.uint8)), "JPEG", quality=95)
    small, full = read_rgb(file, at_least=32), read_rgb(file)
    assert full.size == (1000, 600)
    assert 64 <= min(small.size) < 600
    difference = np.asarray(square(small, 32)).astype(int) - np.asarray(square(full, 32))
    assert np.abs(difference).max() <= 6
    assert abs(difference.mean()) < 0.2


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 90))
def test_a_jpeg_is_never_read_below_twice_the_needed_size(width: int, height: int, at_least: int) -> None:
    shown = read_rgb(encoded(Image.new("RGB", (width, height)), "JPEG"), at_least=at_least)
    assert min(shown.size) >= min(2 * at_least, width, height)


def test_every_extension_can_be_read() -> None:
    assert {".jpg", ".jpeg", ".png", ".gif", ".tif", ".bmp", ".webp", ".ppm"} <= extensions()
    assert not {".eps", ".ps", ".h5", ".mpg", ".txt", ".pdf", ""} & extensions()
