"""Sixteen bits a channel: the grid of formats, modes, sizes and orientations, profiles, and what becomes 8 bits.

The expected colours come from numpy alone, profiles from the library ``colour``.
"""

import contextlib
import io
import sys

import colour
import numpy as np
import pytest
import tifffile
from PIL import Image

from colourize.data.read import UnreadablePicture
from colourize.inference import opening, saving, space
from colourize.inference.saving import Picture
from tests import icc
from tests.drawn_pictures import encoded

imagecodecs = pytest.importorskip("imagecodecs")
MODES = {"LA": 2, "RGB": 3, "RGBA": 4}
# what EXIF 2.3, table 6, says of the stored rows and columns
UPRIGHT = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.swapaxes(0, 1),
           6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: np.rot90}  # fmt: skip


def noise(height, width, channels):
    return np.random.default_rng(height * width).integers(0, 65536, (height, width, channels), dtype=np.uint16)


def tiff(pixels, orientation=1, **options):
    if pixels.shape[-1] == 4:
        options.setdefault("extrasamples", ["unassalpha"])
    buffer = io.BytesIO()
    tags = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(buffer, pixels, photometric="rgb", extratags=tags, metadata=None, **options)
    return buffer.getvalue()


def png(pixels, orientation=1, chunks=()):
    """What libpng writes, with an orientation and further chunks behind its header."""
    content = imagecodecs.png_encode(pixels)
    if orientation != 1:
        exif = Image.Exif()
        exif[274] = orientation
        chunks = [*chunks, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))]
    return content[:33] + b"".join(chunk(*each) for each in chunks) + content[33:]


def chunk(name, content):
    import zlib

    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def grey_of(colours):
    """The level of the colours' luminance, by IEC 61966-2-1 in doubles."""
    return 65535 * space.encoded(space.linear(colours / 65535.0) @ space.LUMINANCE)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 90), (64, 3)])
@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "LA"), ("PNG", "RGB"), ("PNG", "RGBA"), ("TIFF", "RGB"), ("TIFF", "RGBA")]
)
def test_size_alpha_orientation_and_depth_of_the_grid(form, mode, size, orientation):
    stored = noise(*size, MODES[mode])
    found = opening.photograph((png if form == "PNG" else tiff)(stored, orientation))
    upright = UPRIGHT[orientation](stored)
    colours = upright[..., :3] if mode != "LA" else np.repeat(upright[..., :1], 3, -1)
    (frame,) = found.frames
    assert found.wide and found.format == form and not found.notes
    assert frame.grey.dtype == np.uint16 and frame.grey.shape == upright.shape[:2]
    assert np.abs(frame.grey - grey_of(colours)).max() <= (1 if mode != "LA" else 0.6)
    assert mode == "RGB" or np.array_equal(frame.alpha, upright[..., -1])


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_written_is_read_again_with_all_its_bits(form, channels):
    pixels = noise(20, 30, channels)
    picture = Picture(pixels[..., :3], pixels[..., 3] if channels == 4 else None)
    content = saving.written([picture], form, {}, "colourize")
    decode = imagecodecs.png_decode if form == "PNG" else imagecodecs.tiff_decode
    assert np.array_equal(decode(content), pixels)
    (frame,) = opening.photograph(content).frames
    assert np.abs(frame.grey - grey_of(pixels[..., :3])).max() <= 1
    assert channels == 3 or np.array_equal(frame.alpha, pixels[..., 3])


@pytest.mark.parametrize(
    "options",
    [{"compression": "zlib"}, {"compression": "lzw", "predictor": True}, {"compression": "packbits"},
     {"planarconfig": "separate"}, {"planarconfig": "separate", "compression": "zlib"},
     {"tile": (16, 16), "compression": "zlib"}, {"byteorder": ">"}, {"bigtiff": True}],
    ids=str,
)  # fmt: skip
def test_every_layout_of_a_tiff(options):
    pixels = noise(20, 30, 3)
    stored = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if "planarconfig" in options else pixels
    (frame,) = opening.photograph(tiff(stored, **options)).frames
    assert np.abs(frame.grey - grey_of(pixels)).max() <= 1


def test_the_pages_of_a_tiff():
    buffer = io.BytesIO()
    pages = [noise(9, 8, 3), noise(7, 6, 3)]
    with tifffile.TiffWriter(buffer) as writer:
        for page in pages:
            writer.write(page, photometric="rgb")
    found = opening.photograph(buffer.getvalue())
    assert found.wide and len(found.frames) == 2
    for frame, page in zip(found.frames, pages, strict=True):
        assert np.abs(frame.grey - grey_of(page)).max() <= 1


def test_colours_that_alpha_has_multiplied_are_divided():
    whole = noise(20, 30, 3) // 2
    alpha = np.full((20, 30, 1), 40000, np.uint16)
    stored = np.concatenate([(whole * (40000 / 65535)).round().astype(np.uint16), alpha], -1)
    (frame,) = opening.photograph(tiff(stored, extrasamples=["assocalpha"])).frames
    assert np.abs(frame.grey - grey_of(whole)).max() <= 3 and (frame.alpha == 40000).all()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_profile_is_applied_in_sixteen_bits(form):
    pixels = noise(20, 30, 3)
    import zlib

    content = (
        png(pixels, chunks=[(b"iCCP", b"x\0\0" + zlib.compress(icc.ADOBE))])
        if form == "PNG"
        else tiff(pixels, iccprofile=icc.ADOBE)
    )
    expected = colour.RGB_to_RGB(
        pixels / 65535, "Adobe RGB (1998)", "sRGB", "Bradford", apply_cctf_decoding=True, apply_cctf_encoding=True
    )
    found = opening.photograph(content)
    assert not found.notes
    assert np.abs(found.frames[0].grey - grey_of((expected.clip(0, 1) * 65535).round())).max() < 200  # of 65535


@pytest.mark.parametrize("kind", ["greys", "greys and alpha", "greys of a TIFF"])
def test_greys_of_sixteen_bits_with_a_profile_keep_their_bits(kind):
    ramp = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    if kind == "greys and alpha":
        import zlib

        stored = np.stack([ramp, ramp], -1)
        content = png(stored, chunks=[(b"iCCP", b"x\0\0" + zlib.compress(icc.GREY_LINEAR))])
    else:
        form = "TIFF" if kind.endswith("TIFF") else "PNG"
        content = encoded(Image.fromarray(ramp), form, icc_profile=icc.GREY_LINEAR)
    found = opening.photograph(content)
    assert found.wide and not found.notes
    assert np.abs(found.frames[0].grey - 65535 * space.encoded(ramp / 65535.0)).max() < 60
    assert len(np.unique(found.frames[0].grey)) > 4000


@pytest.mark.parametrize("profile", [icc.CMYK, b"no profile", icc.GREY_LINEAR], ids=["CMYK", "broken", "grey"])
def test_a_profile_of_other_colours_is_left_out_and_named(profile):
    found = opening.photograph(tiff(noise(9, 9, 3), iccprofile=profile))
    assert found.wide and np.abs(found.frames[0].grey - grey_of(noise(9, 9, 3))).max() <= 1
    (note,) = found.notes
    assert note.startswith("its colour profile cannot be applied and is left out: a ")


def test_without_the_library_sixteen_bits_become_eight_and_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    for content in (png(noise(9, 9, 3)), tiff(noise(9, 9, 3))):
        found = opening.photograph(content)
        assert not found.wide or found.frames[0].grey.dtype == np.uint16
        assert found.notes == ("its 16 bits become 8; to keep them: pip install imagecodecs",)


@pytest.mark.parametrize("kind", ["PPM", "CMYK TIFF", "moving PNG"])
def test_other_files_of_sixteen_bits_become_eight_and_one_line_says_so(kind):
    pixels = noise(9, 9, 3)
    if kind == "PPM":
        content = b"P6 9 9 65535\n" + pixels.astype(">u2").tobytes()
    elif kind == "CMYK TIFF":
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, noise(9, 9, 4), photometric="separated")
        content = buffer.getvalue()
    else:
        control = chunk(b"acTL", (2).to_bytes(4, "big") + bytes(4)) + chunk(
            b"fcTL", b"".join(n.to_bytes(4, "big") for n in (0, 9, 9, 0, 0)) + b"\0\1\0\x0a\0\0"
        )
        one = png(pixels)
        data = one[33:-12]
        second = chunk(b"fcTL", b"".join(n.to_bytes(4, "big") for n in (1, 9, 9, 0, 0)) + b"\0\1\0\x0a\0\0")
        second += chunk(b"fdAT", (2).to_bytes(4, "big") + data[8:-4])
        content = one[:33] + control + data + second + one[-12:]
    found = opening.photograph(content)
    assert any(note.startswith("its 16 bits become 8: they are kept only from RGB in TIFF") for note in found.notes)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_or_altered_file_is_one_line_and_nothing_else_is_printed(form, part, capfd):
    content = png(noise(40, 50, 3)) if form == "PNG" else tiff(noise(40, 50, 3), compression="zlib")
    place = int(len(content) * part)
    for damaged in (content[:place], content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]):
        with contextlib.suppress(UnreadablePicture):  # anything else fails
            opening.photograph(damaged)
    assert capfd.readouterr() == ("", "")
