"""Picture files of every kind, with their expected tones."""

import io
import struct

import numpy as np
import tifffile
from PIL import Image

from tests.drawn_pictures import encoded, png

SIDE = 16
RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)  # mean 0.5
DARK, HALF = np.zeros_like(RAMP), np.full_like(RAMP, 0.5)


def of_bits(*channels, bits=16):
    """Channels in [0, 1] as integers of the given number of bits: [H, W, C], or [H, W] for a single channel."""
    values = np.rint(np.dstack(channels) * (2**bits - 1)).astype(f"u{-(-bits // 8)}")
    return values[..., 0] if len(channels) == 1 else values


def png_of(colour_type, *channels):
    rows = of_bits(*channels).astype(">u2").reshape(SIDE, -1)
    return png(SIDE, SIDE, 16, colour_type, b"".join(b"\0" + row.tobytes() for row in rows))


def tiff(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def raw_tiff(width, height, bits, compression, photometric, data):
    """A TIFF of one grey strip, by the specification, which tifffile cannot write."""
    tags = {256: width, 257: height, 258: bits, 259: compression, 262: photometric, 273: 8, 277: 1, 278: height}
    tags[279] = len(data)
    data += b"\0" * (len(data) % 2)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def twelve_bits():
    """Two tones in three bytes."""
    pairs = np.rint(RAMP * 4095).astype(int).reshape(-1, 2)
    return b"".join((int(first) << 12 | int(second)).to_bytes(3, "big") for first, second in pairs)


def jpeg(mode, *channels):
    image = Image.frombytes(mode, (SIDE, SIDE), of_bits(*channels, bits=8).tobytes())
    return encoded(image, "JPEG", quality=100, subsampling=0)


def paletted(kind):
    image = Image.frombytes("P", (SIDE, SIDE), bytes(range(256)))
    image.putpalette([part for tone in range(256) for part in (tone, 255 - tone, 128)])
    return encoded(image, kind)


GREY, COLOURED = (RAMP, RAMP, RAMP), (RAMP, 1 - RAMP, HALF)
KINDS = {
    "16-bit grey.png": (png_of(0, RAMP), GREY),
    "16-bit.png": (png_of(2, *COLOURED), COLOURED),
    "16-bit black of growing alpha.png": (png_of(6, DARK, DARK, DARK, RAMP), (1 - RAMP,) * 3),
    "16-bit grey with alpha.png": (png_of(4, DARK, RAMP), (1 - RAMP,) * 3),
    "16-bit grey.tif": (tiff(of_bits(RAMP)), GREY),
    "16-bit grey, zero is white.tif": (tiff(of_bits(1 - RAMP), photometric="miniswhite"), GREY),
    "16-bit.tif": (tiff(of_bits(*COLOURED), photometric="rgb"), COLOURED),
    "16-bit, big-endian.tif": (tiff(of_bits(*COLOURED), photometric="rgb", byteorder=">"), COLOURED),
    "16-bit, planes.tif": (
        tiff(of_bits(*COLOURED).transpose(2, 0, 1), photometric="rgb", planarconfig="separate", compression="zlib"),
        COLOURED,
    ),
    "12-bit grey.tif": (raw_tiff(SIDE, SIDE, 12, 1, 1, twelve_bits()), GREY),
    "32-bit grey.tif": (tiff(of_bits(RAMP, bits=32)), GREY),
    "float to 1.tif": (tiff(RAMP.astype(np.float32)), GREY),
    "float to 65535.tif": (tiff((RAMP * 65535).astype(np.float32)), GREY),
    "float, zero is white.tif": (tiff((1 - RAMP).astype(np.float32), photometric="miniswhite"), GREY),
    "CMYK.tif": (
        tiff(of_bits(RAMP, 1 - RAMP, HALF, DARK, bits=8), photometric="separated"),
        (1 - RAMP, RAMP, 1 - HALF),
    ),
    "CMYK.jpg": (jpeg("CMYK", DARK, DARK, DARK, RAMP), (1 - RAMP,) * 3),
    "palette.png": (paletted("PNG"), COLOURED),
    "palette.gif": (paletted("GIF"), COLOURED),
    "palette.tif": (
        tiff(of_bits(RAMP, bits=8), photometric="palette", colormap=of_bits(*(c.ravel() for c in COLOURED))[0].T),
        COLOURED,
    ),
}


def blank(side):
    return png(side, side, 1, 0, bytes((-(-side // 8) + 1) * side))


BOMBS = {
    "85.png": (9220, blank(9220)),
    "144.png": (12_000, blank(12_000)),
    # CCITT group 4: a row like the one above it, and the first is white, is a single bit
    "400.tif": (20_000, raw_tiff(20_000, 20_000, 1, 4, 0, b"\xff" * 2500 + b"\x00\x10\x01")),
}
