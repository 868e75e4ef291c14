"""Every format: size, depth, alpha, frames, metadata and the profile come out."""

import io
import time

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colourize.errors import InputError
from colourize.inference import metadata, saving
from colourize.inference.saving import Picture

RNG = np.random.default_rng(0)
SMOOTH = np.clip(np.add.outer(np.arange(40), np.arange(50))[..., None] * 2 + [0, 30, 60], 0, 255).astype(np.uint8)
ALPHA = np.tile(np.linspace(0, 255, 50).astype(np.uint8), (40, 1))
EXIF = Image.Exif()
EXIF[0x0132] = "2001:02:03 04:05:06"
INFO = {"exif": EXIF.tobytes(), "xmp": b"<x:xmpmeta/>", "dpi": (300.0, 300.0), "comment": b"mine"}


def read(content):
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("form", sorted(set(saving.FORMATS.values())))
@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "alpha"])
def test_a_picture_in_every_format(form, alpha):
    image = read(saving.written([Picture(SMOOTH, alpha)], form, INFO, "colourize: net"))
    assert image.format == form and image.size == (50, 40)
    if alpha is None:
        error = np.abs(np.asarray(image.convert("RGB")).astype(int) - SMOOTH)
        assert error.max() <= {"PNG": 0, "TIFF": 0, "GIF": 40}.get(form, 8) and error.mean() < (
            8 if form == "GIF" else 2
        )
    elif form not in ("JPEG", "GIF"):
        assert np.abs(np.asarray(image.getchannel("A")).astype(int) - ALPHA).max() <= 3
    if form != "GIF":
        assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_metadata_and_a_note_are_kept(form):
    image = read(saving.written([Picture(SMOOTH)], form, INFO, "colourize: net"))
    exif = image.getexif()
    assert exif[metadata.SOFTWARE] == "colourize: net" and exif[0x0132] == "2001:02:03 04:05:06"
    if form in ("JPEG", "WEBP", "AVIF", "PNG"):
        assert image.info.get("xmp", image.info.get("XML:com.adobe.xmp")) in (b"<x:xmpmeta/>", "<x:xmpmeta/>")
    if form in ("PNG", "JPEG", "TIFF"):
        assert image.info["dpi"] == pytest.approx((300, 300), rel=1e-3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_without_a_note_nothing_but_the_picture_is_written(form):
    content = saving.written([Picture(SMOOTH)], form, INFO, "")
    assert b"2001:02:03" not in content and b"xmpmeta" not in content and b"mine" not in content
    assert b"colourize" not in content


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("form", sorted(set(saving.FORMATS.values())))
def test_the_bytes_do_not_depend_on_the_time(form, count):
    frames = [Picture(SMOOTH, None, 0.1)] * (count if form in saving.MOVING else 1)
    first = saving.written(frames, form, INFO, "colourize: net")
    time.sleep(1.1 - time.time() % 1)  # into the next second
    saving.srgb_profile.cache_clear()
    assert saving.written(frames, form, INFO, "colourize: net") == first


def test_the_profile_is_that_of_srgb():
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = saving.srgb_profile()
    assert profile[:24] == made[:24] and profile[36:] == made[36:] and profile[84:100] == bytes(16)


def test_jpeg_keeps_the_full_resolution_of_colours():
    image = read(saving.written([Picture(SMOOTH)], "JPEG", {}, "x"))
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "alpha"])
def test_sixteen_bits_stay_sixteen_bits_in_tiff_and_png(alpha):
    colours = RNG.integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    content = saving.written([Picture(colours, alpha)], "TIFF", INFO, "colourize: net")
    pixels = tifffile.imread(io.BytesIO(content))
    assert pixels.dtype == np.uint16 and np.array_equal(pixels[..., :3], colours)
    assert alpha is None or np.array_equal(pixels[..., 3], alpha.astype(np.uint16) * 257)
    assert read(content).getexif()[metadata.SOFTWARE] == "colourize: net"
    png = saving.written([Picture(colours, alpha)], "PNG", INFO, "colourize: net")
    assert png[24] == 16  # bits of a channel, in the header
    assert np.array_equal(pixels_of_png(png)[..., :3], colours)
    assert read(png).getexif()[0x0132] == "2001:02:03 04:05:06"
    read(png).verify()


def pixels_of_png(content):
    """16-bit rows without a filter, read by hand: Pillow would keep eight bits."""
    import zlib

    position, data = 8, b""
    width, height, colour = int.from_bytes(content[16:20]), int.from_bytes(content[20:24]), content[25]
    while position < len(content):
        length, name = int.from_bytes(content[position : position + 4]), content[position + 4 : position + 8]
        data += content[position + 8 : position + 8 + length] if name == b"IDAT" else b""
        position += 12 + length
    channels = 4 if colour == 6 else 3
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + 2 * channels * width)
    return rows[:, 1:].copy().view(">u2").reshape(height, width, channels)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "AVIF", "TIFF"])
def test_animations_keep_their_frames(form):
    frames = [Picture(np.roll(SMOOTH, 10 * n, 1), None, 0.1 * (n + 1)) for n in range(3)]
    image = read(saving.written(frames, form, {}, "x", loops=4))
    assert image.n_frames == 3
    if form in ("PNG", "WEBP", "GIF"):
        assert image.info["loop"] == 4
        image.seek(1)
        image.load()
        assert image.info["duration"] == 200


def test_pages_of_16_bits_keep_16_bits():
    frames = [Picture(RNG.integers(0, 65536, (8, 9, 3), dtype=np.uint16)) for _ in range(2)]
    pages = tifffile.TiffFile(io.BytesIO(saving.written(frames, "TIFF", {}, "x"))).pages
    assert all(np.array_equal(page.asarray(), frame.colours) for page, frame in zip(pages, frames, strict=True))


def test_an_animation_with_alpha_leaves_no_trail_in_a_gif():
    alphas = [np.repeat(np.eye(4, dtype=np.uint8)[n] * 255, 10)[None].repeat(9, 0) for n in range(4)]
    content = saving.written([Picture(SMOOTH[:9, :40], alpha, 0.1) for alpha in alphas], "GIF", {}, "x", loops=1)
    image = read(content)
    assert "loop" not in image.info  # plays once
    image.seek(3)
    assert np.array_equal(np.asarray(image.convert("RGBA"))[..., 3], alphas[3])


def test_what_a_format_cannot_hold_is_refused():
    with pytest.raises(InputError, match=r"WEBP holds sides of up to 16383 pixels, got 20000 x 1"):
        saving.written([Picture(np.zeros((1, 20000, 3), np.uint8))], "WEBP", {}, "")
    with pytest.raises(InputError, match="JPEG holds one picture, got 2 frames"):
        saving.written([Picture(SMOOTH), Picture(SMOOTH)], "JPEG", {}, "")
    with pytest.raises(InputError, match=r"must end in .png, .*got '.bmp'"):
        saving.format_of(".bmp")


def test_damaged_exif_is_left_out_and_the_note_is_kept():
    image = read(saving.written([Picture(SMOOTH)], "JPEG", {"exif": b"Exif\0\0nonsense"}, "note"))
    assert image.getexif()[metadata.SOFTWARE] == "note"
