"""Any file as greys: modes, depth, alpha, orientation, profiles, frames, and hostile files."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from colourize.data.read import UnreadablePicture
from colourize.inference import opening, space
from tests import icc
from tests.drawn_pictures import encoded, landscape

RAMP = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))  # [48, 64]


def opened(image, form="PNG", **options):
    return opening.photograph(encoded(image, form, **options))


MODES = {
    "1": (Image.fromarray(RAMP > 127), "PNG", np.where(RAMP > 127, 255, 0)),
    "L": (Image.fromarray(RAMP), "PNG", RAMP),
    "LA": (Image.merge("LA", [Image.fromarray(RAMP)] * 2), "PNG", RAMP),
    "P": (Image.fromarray(RAMP).convert("P"), "PNG", RAMP),
    "RGB": (Image.fromarray(RAMP).convert("RGB"), "PNG", RAMP),
    "RGBA": (Image.merge("RGBA", [Image.fromarray(RAMP)] * 4), "PNG", RAMP),
    "CMYK": (Image.merge("CMYK", [Image.new("L", (64, 48))] * 3 + [Image.fromarray(255 - RAMP)]), "TIFF", RAMP),
    "I;16": (Image.fromarray(RAMP.astype(np.uint16) * 257), "PNG", RAMP.astype(np.uint16) * 257),
    "F": (Image.fromarray(RAMP / np.float32(255)), "TIFF", RAMP.astype(np.uint16) * 257),
}


@pytest.mark.parametrize("mode", MODES)
def test_the_levels_of_every_mode(mode):
    image, form, expected = MODES[mode]
    found = opened(image, form)
    (frame,) = found.frames
    assert found.kind == "grey" and found.format == form
    assert frame.grey.dtype == expected.dtype if mode != "1" else frame.grey.dtype == np.uint8
    assert np.abs(frame.grey.astype(int) - expected).max() <= 1
    assert found.wide == (mode in ("I;16", "F"))


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA", "P with a transparent entry"])
def test_alpha_is_kept(mode):
    image = MODES["RGBA"][0]
    if mode == "LA":
        image = MODES["LA"][0]
    if mode == "PA":
        image = image.quantize(255, Image.Quantize.FASTOCTREE)
    if mode.startswith("P with"):
        image = Image.fromarray(RAMP).convert("P")
        image.info["transparency"] = 4
        (frame,) = opened(image, transparency=4).frames
        assert np.array_equal(frame.alpha == 0, RAMP == 4)
        return
    (frame,) = opened(image).frames
    assert np.abs(frame.alpha.astype(int) - RAMP).max() <= (8 if mode == "PA" else 0)


def test_colours_become_the_grey_of_their_luminance():
    picture = landscape(64, 48)
    (frame,) = opened(picture).frames
    lightness = space.lab(np.asarray(picture) / 255)[..., 0]
    assert np.allclose(space.lightness_of_levels(65535)[frame.grey], lightness, atol=0.05)


def test_pictures_in_colour_are_distinguished_from_grey_and_toned_ones():
    sepia = np.stack([RAMP, RAMP * 0.86, RAMP * 0.65], -1).round().astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 3, sepia.shape)
    assert opened(landscape(64, 48)).kind == "coloured"
    assert opened(Image.fromarray((sepia + noise).clip(0, 255).astype(np.uint8))).kind == "tinted"
    assert opened(Image.fromarray(RAMP).convert("RGB"), "JPEG").kind == "grey"


def test_a_picture_is_turned_as_its_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = opened(Image.fromarray(RAMP), "JPEG", exif=exif, quality=100)
    assert found.frames[0].grey.shape == (64, 48)
    assert np.abs(found.frames[0].grey.astype(int) - np.rot90(RAMP, -1)).max() <= 3
    assert "exif" not in found.info  # nothing but the orientation was in it


def test_exif_xmp_and_resolution_are_kept():
    exif = Image.Exif()
    exif[0x0132], exif[0x010F] = "2001:02:03 04:05:06", "Leica"
    found = opened(Image.fromarray(RAMP), "JPEG", exif=exif, xmp=b"<x:xmpmeta/>", dpi=(300, 300))
    kept = Image.Exif()
    kept.load(found.info["exif"])
    assert kept[0x0132] == "2001:02:03 04:05:06" and kept[0x010F] == "Leica"
    assert found.info["xmp"] == b"<x:xmpmeta/>" and found.info["dpi"] == (300, 300)


def test_a_profile_is_applied():
    found = opened(Image.fromarray(RAMP), icc_profile=icc.GREY_LINEAR)
    assert np.abs(found.frames[0].grey - 255 * space.encoded(RAMP / 255)).max() <= 2 and not found.notes


def test_a_profile_of_other_colours_is_left_out_and_named():
    found = opened(Image.fromarray(RAMP).convert("RGB"), icc_profile=icc.CMYK)
    assert np.array_equal(found.frames[0].grey, RAMP)
    assert found.notes == (
        "its colour profile cannot be applied and is left out: a profile for CMYK in a picture of RGB",
    )


@pytest.mark.parametrize(("form", "wide"), [("GIF", False), ("WEBP", False), ("PNG", False)])
def test_every_frame_of_an_animation(form, wide):
    frames = [Image.fromarray(np.roll(RAMP, 16 * n, 1)) for n in range(3)]
    options = {"lossless": True} if form == "WEBP" else {}
    found = opened(
        frames[0], form, save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=2, **options
    )
    assert [round(frame.seconds, 2) for frame in found.frames] == [0.1, 0.2, 0.3] and found.loops == 2
    for frame, image in zip(found.frames, frames, strict=True):
        assert np.abs(frame.grey.astype(int) - np.asarray(image)).max() <= 2


def bomb(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(9220, 9220), (12000, 12000), (20000, 20000)])
def test_bombs_are_refused_before_a_pixel_is_read(size):
    with pytest.raises(UnreadablePicture, match=r"pass --max-pixels"):
        opening.photograph(bomb(*size))
    with pytest.raises(UnreadablePicture, match=r"pass --max-pixels"):
        opening.extent(bomb(*size))


@pytest.mark.parametrize(
    "content", [b"", b"hello", encoded(landscape(64, 48), "JPEG")[:900], b"\x89PNG\r\n\x1a\n" + bytes(99)]
)
def test_a_file_that_is_not_a_picture_is_one_line(content):
    with pytest.raises(UnreadablePicture) as raised:
        opening.photograph(content)
    assert raised.value.args[0] and "\n" not in raised.value.args[0]


def test_an_animation_of_countless_tiny_frames_is_refused(monkeypatch):
    assert opening.MOST_FRAMES == 10_000
    monkeypatch.setattr(opening, "MOST_FRAMES", 100)
    header = b"GIF89a" + struct.pack("<2H", 1, 1) + b"\x80\0\0" + bytes(3) + b"\xff" * 3
    frame = b"\x2c" + struct.pack("<4H", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0"
    pages = [tiff_pages(count) for count in (100, 101)]
    for read in (opening.photograph, opening.extent):
        for content in (header + frame * 101 + b";", pages[1]):
            with pytest.raises(UnreadablePicture, match="^more than 100 frames; convert it to a film$"):
                read(content)
    assert opening.extent(pages[0])[:2] == (100, False)


def test_frames_are_counted_only_up_to_the_limits(monkeypatch):
    """The rest may be a million frames."""
    content, seen = tiff_pages(50), []
    monkeypatch.setattr(opening, "MOST_FRAMES", 20)
    monkeypatch.setattr(TiffImageFile, "seek", lambda image, frame, seek=TiffImageFile.seek: (
        seen.append(frame), seek(image, frame)))  # fmt: skip
    with pytest.raises(UnreadablePicture, match="^more than 20 frames"):
        opening.extent(content)
    assert max(seen) == 20
    with pytest.raises(UnreadablePicture, match="^more than 12 pixels in all frames; pass a --max-pixels above 3$"):
        opening.photograph(content, 3)


def test_a_side_that_makes_rows_huge_is_refused():
    with pytest.raises(UnreadablePicture, match="^1000001 x 1 pixels, a side above 1000000; cut it into pieces$"):
        opened(Image.new("L", (1_000_001, 1)))


def tiff_pages(number):
    """A TIFF of so many pages of one grey pixel."""
    tags = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1))
    page = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    offsets = [16 + (len(page) + 4) * place for place in range(1, number)] + [0]
    return b"II*\0" + struct.pack("<I8s", 16, b"\x80" * 8) + b"".join(page + struct.pack("<I", at) for at in offsets)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for read in (opening.photograph, opening.extent):
        with pytest.raises(UnreadablePicture, match="^not a regular file$"):
            read(tmp_path / "pipe.png")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadablePicture, match="No such file"):
        opening.photograph(tmp_path / "missing.png")


def test_pages_have_the_limit_of_pictures():
    content = encoded(Image.new("L", (9, 9)), "TIFF", save_all=True, append_images=[Image.new("L", (300, 300))])
    with pytest.raises(UnreadablePicture, match=r"300 x 300 pixels, more than the limit of 1000"):
        opening.photograph(content, 1000)


def sixteen_bits(colour, pixels, transparent):
    """A PNG of 16 bits of pixels [H, W, C], with a transparent colour."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">2I5B", width, height, 16, colour, 0, 0, 0)
    chunks = (b"IHDR", header), (b"tRNS", np.array(transparent, ">u2").tobytes()), (b"IDAT", zlib.compress(rows))
    content = b"\x89PNG\r\n\x1a\n"
    for name, part in (*chunks, (b"IEND", b"")):
        content += struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
    return content


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3)], ids=["grey", "RGB"])
def test_a_transparent_colour_of_16_bits_is_alpha(colour, channels):
    pixels = np.repeat(RAMP[..., None].astype(np.uint16) * 257, channels, -1)
    (frame,) = opening.photograph(sixteen_bits(colour, pixels, [8 * 257] * channels)).frames
    assert np.array_equal(frame.alpha == 0, RAMP == 8)
    assert np.abs(frame.grey / (257 if frame.grey.dtype == np.uint16 else 1) - RAMP)[RAMP != 8].max() <= 1


@pytest.mark.parametrize(("kind", "alpha"), [("unassalpha", True), ("unspecified", False)])
def test_a_fourth_channel_of_a_16_bit_tiff_is_alpha_if_it_says_so(kind, alpha):
    pytest.importorskip("imagecodecs")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.full((9, 9, 4), 300, np.uint16), photometric="rgb", extrasamples=[kind])
    found = opening.photograph(buffer.getvalue())
    assert found.wide and (found.frames[0].alpha is not None) == alpha


def test_a_gif_without_a_count_plays_once():
    frames = [Image.new("L", (9, 9), level) for level in (10, 200)]
    assert opened(frames[0], "GIF", save_all=True, append_images=frames[1:]).loops == 1
    assert opened(frames[0], "GIF", save_all=True, append_images=frames[1:], loop=0).loops == 0


def test_a_large_picture_is_judged_on_a_small_one(monkeypatch):
    shapes = []
    lab = space.lab
    monkeypatch.setattr(space, "lab", lambda rgb: shapes.append(rgb.shape) or lab(rgb))
    assert opening.kind(Image.new("RGB", (1200, 900))) == "grey"
    assert shapes == [(256 * 192, 3)]


def test_a_print_of_one_tone_of_any_hue_is_not_in_colour():
    for tone in ((0.9, 0.95, 1.0), (0.85, 1.0, 0.9), (1.0, 0.9, 0.95)):
        print_ = (RAMP[..., None] * np.array(tone)).round().astype(np.uint8)
        assert opened(Image.fromarray(print_)).kind == "tinted", tone


def test_a_picture_in_memory_keeps_its_transparent_colour_of_16_bits():
    image = Image.new("RGB", (3, 2), (1, 7, 0))
    image.info["transparency"] = 300, 2000, 70  # 1, 7, 0 in 8 bits
    found = opening.of_image(image)
    assert image.info["transparency"] == (300, 2000, 70) and image.mode == "RGB"
    assert found.frames[0].alpha.tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_picture_in_memory_without_pixels_is_refused(size):
    with pytest.raises(UnreadablePicture, match=f"^{size[0]} x {size[1]} pixels; a picture needs at least one$"):
        opening.of_image(Image.new("L", size))
