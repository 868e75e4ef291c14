"""Writes JPEG files on several cores: encodes strips of the picture apart, and joins them at restart markers.

H height, W width. The file equals, byte for byte, Pillow's file written in one piece with ``restart_marker_rows``.
Sections and tables are those of the standard, ITU-T T.81.
"""

import io
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST = 65500  # pixels of a side: libjpeg's limit
BLOCK = 8  # pixels: side of a block; without subsampling also that of a minimum coded unit (A.2)
INTERVAL = 65535  # blocks between two restart markers, at most (B.2.4.4)
STRIP = 1 << 20  # pixels of a strip, about
FRAME, SCAN, RESTART = 0xC0, 0xDA, 0xD0  # second bytes of the markers SOF0, SOS and RST0 (table B.1)
END = b"\xff\xd9"


def save(file: BinaryIO, pixels: NDArray[np.uint8], options: dict[str, Any], threads: int = 1) -> None:
    """Writes a picture.

    The strips' heights depend on the picture's size only, so the bytes do not depend on the number of threads.

    Args:
        file: to write into.
        pixels: sRGB, [H, W, 3].
        options: of Pillow's ``save``, with the quality and ``subsampling=0``; without ``optimize`` and ``progressive``.
        threads: number of threads that encode strips.

    Raises:
        OSError, ValueError: a side above ``LONGEST``, or metadata that the format cannot hold.
    """
    if len(pixels) > LONGEST:  # no strip is too high
        raise ValueError(f"a side must be <= {LONGEST} pixels, got {len(pixels)}")
    rows = rows_of_strip(pixels.shape[1])
    height = rows * BLOCK
    if len(pixels) <= height:
        file.write(_encoded(pixels, options))
        return
    options = {**options, "restart_marker_rows": rows}
    bare = {name: options[name] for name in ("quality", "subsampling", "restart_marker_rows")}

    def strip(top: int) -> bytes:
        return _encoded(pixels[top : top + height], bare if top else options)

    with ThreadPoolExecutor(threads) as pool:
        for number, content in enumerate(pool.map(strip, range(0, len(pixels), height))):
            frame, entropy = _places(content)
            if number == 0:
                side = frame + 5  # after FF C0, length and precision (B.2.2)
                file.write(content[:side] + struct.pack(">H", len(pixels)) + content[side + 2 : entropy])
            else:
                file.write(bytes((0xFF, RESTART + (number - 1) % 8)))
            file.write(memoryview(content)[entropy : -len(END)])
    file.write(END)


def rows_of_strip(width: int) -> int:
    """Rows of blocks in a strip of a picture of ``width`` pixels; >= 1."""
    blocks = -(-width // BLOCK)
    return max(1, min(INTERVAL, STRIP // BLOCK**2) // blocks)


def _encoded(pixels: NDArray[np.uint8], options: dict[str, Any]) -> bytes:
    """The bytes of a JPEG file. Into a file with a descriptor, here in memory, Pillow writes without the GIL."""
    with os.fdopen(os.memfd_create("jpeg"), "w+b") if hasattr(os, "memfd_create") else io.BytesIO() as buffer:
        Image.fromarray(pixels).save(buffer, "JPEG", **options)
        buffer.seek(0)
        return buffer.read()


def _places(content: bytes) -> tuple[int, int]:
    """Where the frame header begins, and where the entropy-coded data begins."""
    place, frame = 2, 0
    while (marker := content[place + 1]) != SCAN:
        if marker == FRAME:
            frame = place
        place += 2 + _length(content, place)
    return frame, place + 2 + _length(content, place)


def _length(content: bytes, place: int) -> int:
    """Bytes of the marker segment at a place, without the marker (B.1.1.4)."""
    return int.from_bytes(content[place + 2 : place + 4], "big")
