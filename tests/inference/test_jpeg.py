"""JPEG files in strips against Pillow's own encoder with restart markers."""

import io

import numpy as np
import pytest
from PIL import Image

from colourize.inference import jpeg
from colourize.inference.saving import srgb_profile
from tests.drawn_pictures import encoded

OPTIONS = {"quality": 95, "subsampling": 0}
FULL = {
    **OPTIONS, "icc_profile": srgb_profile(), "comment": "a scan", "dpi": (300, 300), "xmp": b"<x/>",
    "exif": b"Exif\0\0" + bytes(range(256)) * 200 + b"\xff\xc0\xff\xda",  # what looks like the markers that are sought
}  # fmt: skip
SIZES = [(1, 1), (1, 400), (400, 1), (17, 33), (64, 64), (63, 65), (200, 97), (513, 40)]


def drawn(height, width):
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3))
    return ((rows + 2 * columns)[..., None] % 200 + noise).astype(np.uint8)


def in_strips(pixels, options, threads):
    buffer = io.BytesIO()
    jpeg.save(buffer, pixels, options, threads)
    return buffer.getvalue()


def by_pillow(pixels, options):
    rows = jpeg.rows_of_strip(pixels.shape[1])
    more = {"restart_marker_rows": rows} if len(pixels) > 8 * rows else {}
    return encoded(Image.fromarray(pixels), "JPEG", **options, **more)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", [OPTIONS, FULL], ids=["bare", "with metadata"])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("strip", [64, 640, 6400])
def test_strips_are_pillow_s_file_with_restart_markers_byte_for_byte(size, options, threads, strip, monkeypatch):
    monkeypatch.setattr(jpeg, "STRIP", strip)
    pixels = drawn(*size)
    assert in_strips(pixels, options, threads) == by_pillow(pixels, options)


def test_a_photograph_of_several_strips_has_the_pixels_of_a_file_in_one_piece():
    pixels = drawn(1500, 2003)
    assert len(pixels) > 2 * 8 * jpeg.rows_of_strip(2003)
    whole = io.BytesIO(encoded(Image.fromarray(pixels), "JPEG", **OPTIONS))
    ours = Image.open(io.BytesIO(in_strips(pixels, OPTIONS, 2)))
    assert np.array_equal(np.asarray(ours), np.asarray(Image.open(whole)))


@pytest.mark.parametrize("width", [1, 8, 9, 4000, 65500])
def test_a_strip_has_rows_of_whole_blocks_within_the_limit_of_the_standard(width):
    rows = jpeg.rows_of_strip(width)
    assert rows >= 1
    assert rows * -(-width // 8) <= 65535
    assert rows == 1 or rows * 8 * width <= jpeg.STRIP


@pytest.mark.parametrize("side", [65_501, 65_536, 70_000])
def test_a_side_beyond_libjpeg_s_limit_is_refused(side):
    """In both directions; 24 pixels give several strips."""
    for size in ((24, side), (side, 24)):
        with pytest.raises((OSError, ValueError)):
            in_strips(np.zeros((*size, 3), np.uint8), OPTIONS, 2)
        with pytest.raises((OSError, ValueError)):
            by_pillow(np.zeros((*size, 3), np.uint8), OPTIONS)


def test_the_longest_side_that_libjpeg_writes_can_be_read():
    pixels = drawn(jpeg.LONGEST, 24)
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(in_strips(pixels, OPTIONS, 2)))),
        np.asarray(Image.open(io.BytesIO(by_pillow(pixels, OPTIONS)))),
    )
