"""What is kept of a file describes the picture, and never the pixels of the file it came from."""

import io

import numpy as np
import pytest
from PIL import Image

from colourize.inference import metadata, opening, saving
from colourize.inference.saving import Picture
from tests.drawn_pictures import encoded

RAMP = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))  # [48, 64]
COLOURS = np.repeat(RAMP[..., None], 3, -1)
GREY = Image.fromarray(RAMP)
TIFFS = {
    "1": Image.fromarray(RAMP > 127), "L": GREY, "P": GREY.convert("P"), "LA": Image.merge("LA", [GREY] * 2),
    "CMYK": Image.merge("CMYK", [GREY] * 4), "F": Image.fromarray(RAMP / np.float32(255)), "RGB": GREY.convert("RGB"),
}  # fmt: skip
TURNED = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" %s</rdf:RDF></x:xmpmeta>'
)


def info_of(image, form, **options):
    return opening.photograph(encoded(image, form, **options)).info


@pytest.mark.parametrize("form", ["TIFF", "PNG", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("mode", TIFFS)
def test_of_a_tiff_only_what_describes_the_picture_is_kept_and_the_result_can_be_read(mode, compression, form):
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    info = info_of(TIFFS[mode], "TIFF", compression=compression, exif=exif, icc_profile=saving.srgb_profile()
                   if mode == "RGB" else None)  # fmt: skip
    with Image.open(io.BytesIO(saving.written([Picture(COLOURS)], form, info, "note"))) as image:
        error = np.abs(np.asarray(image.convert("RGB")).astype(int) - COLOURS)
        assert error.max() <= (0 if form in ("TIFF", "PNG") else 8)
        assert image.getexif()[0x010F] == "Leica" and image.getexif()[metadata.SOFTWARE] == "note"
        if form != "TIFF":
            assert set(image.getexif()) == {0x010F, metadata.SOFTWARE}


@pytest.mark.parametrize(
    "turn", [b'tiff:Orientation="6"/>', b"><tiff:Orientation>6</tiff:Orientation></rdf:Description>"]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_turned_by_its_xmp_is_not_turned_again(turn, form):
    found = opening.photograph(encoded(GREY, "JPEG", xmp=TURNED % turn))
    assert found.frames[0].grey.shape == (64, 48)
    upright = np.repeat(found.frames[0].grey[..., None], 3, -1)
    again = opening.photograph(saving.written([Picture(upright)], form, found.info, "note"))
    assert again.frames[0].grey.shape == (64, 48)


def test_the_directories_of_exif_are_kept_without_sizes_and_with_the_colour_space_of_the_result():
    exif = Image.Exif()
    exif[metadata.EXIF] = {0x9003: "1999:12:31 23:59:59", 0xA001: 65535, 0xA002: 64, 0xA003: 48}
    exif[metadata.EXIF][metadata.INTEROPERABILITY] = {1: "R03"}  # Adobe RGB
    exif[metadata.GPS] = {1: "N"}
    kept = Image.Exif()
    kept.load(info_of(GREY, "JPEG", exif=exif)["exif"])
    assert kept.get_ifd(metadata.EXIF) == {0x9003: "1999:12:31 23:59:59", 0xA001: 1}
    assert kept.get_ifd(metadata.GPS) == {1: "N"}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_metadata_that_a_format_cannot_hold_is_left_out_and_the_picture_is_written(form):
    exif = Image.Exif()
    exif[0x010F] = "x" * 70_000
    info = info_of(GREY, "PNG", exif=exif) | {"xmp": b"x" * metadata.MARKER}
    with Image.open(io.BytesIO(saving.written([Picture(COLOURS)], form, info, "note"))) as image:
        assert image.getexif()[metadata.SOFTWARE] == "note"
        assert (0x010F in image.getexif()) == (form != "JPEG")


@pytest.mark.parametrize("exif", [0, 4_000, 30_000, 60_000])
@pytest.mark.parametrize("xmp", [0, 30_000, 60_000, metadata.MARKER])
@pytest.mark.parametrize("comment", [0, 5_000, 32_767])
def test_a_jpeg_keeps_long_parts_together(exif, xmp, comment):
    tags = Image.Exif()
    tags[0x010F] = "x" * exif
    buffer = io.BytesIO(saving.written([Picture(COLOURS)], "JPEG", {
        "exif": tags.tobytes(), "xmp": b"<x:xmpmeta/>".ljust(xmp), "comment": b"c" * comment, "dpi": (300.0, 300.0),
    }, "note"))  # fmt: skip
    with Image.open(buffer) as image:
        image.load()
        assert image.getexif()[0x010F] == "x" * exif and image.info["dpi"] == (300, 300)
        assert len(image.info["comment"]) == comment and len(image.info["xmp"]) == max(xmp, 12)
        assert image.info["icc_profile"] == saving.srgb_profile()


def test_metadata_that_jpeg_cannot_hold_are_left_out_with_a_note():
    found = opening.photograph(encoded(GREY, "WEBP", xmp=b"x" * (metadata.MARKER + 1)))
    assert "xmp" not in found.info and found.notes == ("its XMP of 65505 bytes is left out; a picture holds 65504",)
    found = opening.photograph(encoded(GREY, "JPEG", comment=b"x" * 40_000))
    assert "comment" not in found.info
    assert found.notes == ("its comment of 40000 bytes is left out; a picture holds 32767",)


def test_an_exif_that_cannot_be_read_is_left_out_with_a_note(monkeypatch):
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    content = encoded(GREY, "JPEG", exif=exif.tobytes())
    monkeypatch.delattr(Image.Exif, "get_ifd")
    found = opening.photograph(content)
    assert "exif" not in found.info and found.notes == ("its EXIF is damaged and is left out",)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_keep_metadata_too(form):
    exif = Image.Exif()
    exif[0x0132], exif[0x010F] = "2001:02:03 04:05:06", "Leica"
    info = {"exif": exif.tobytes(), "xmp": b"<x:xmpmeta/>", "dpi": (300.0, 300.0)}
    content = saving.written([Picture(COLOURS.astype(np.uint16) * 257)], form, info, "note")
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        found = image.getexif()
        assert (found[0x0132], found[0x010F], found[metadata.SOFTWARE]) == ("2001:02:03 04:05:06", "Leica", "note")
        assert image.info.get("xmp", image.info.get("XML:com.adobe.xmp")) in (b"<x:xmpmeta/>", "<x:xmpmeta/>")
        assert image.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
