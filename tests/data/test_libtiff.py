"""What libtiff would print about a damaged TIFF."""

import contextlib

import pytest
from PIL import Image

from colourize.data import read
from tests.drawn_pictures import encoded


@pytest.mark.parametrize("compression", ["tiff_lzw", "group4", "jpeg"])
def test_a_damaged_compressed_tiff_prints_nothing_by_itself(compression, capfd):
    noise = Image.effect_noise((200, 200), 60).convert("1" if compression == "group4" else "L")
    content = bytearray(encoded(noise, "TIFF", compression=compression))
    for place in range(2000, min(4000, len(content))):
        content[place] = (content[place] * 7 + 13) % 256
    with contextlib.suppress(read.UnreadablePicture):
        read.read_rgb(bytes(content))
    assert capfd.readouterr() == ("", "")
