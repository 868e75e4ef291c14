"""Small pictures, each with its own single colour, the bytes of picture files, and PNG files byte by byte."""

import io
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from colourize.data.folder import load
from colourize.data.pictures import Pictures


def draw(root: Path, *names: str, side: int = 8) -> None:
    """Writes a picture to each path, in a single colour that ``shades`` can recognize."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = sum(path.stem.encode()) % 251
        Image.new("RGB", (side, side), (shade, 255 - shade, 7)).save(path, "PNG")


def shades(names: Iterable[str]) -> list[int]:
    return sorted(sum(Path(name).stem.encode()) % 251 for name in names)


def seen(pictures: torch.Tensor) -> list[int]:
    assert pictures.dtype == torch.uint8
    for picture in pictures:
        assert (picture == picture[0, 0]).all()
    return sorted(pictures[:, 0, 0, 0].tolist())


def opened(root: Path, **options: object) -> Pictures:
    return load(root, **{"image_size": 8, "cache_dir": root.parent / "cache", **options})


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of the file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, transparent: bytes = b"") -> bytes:
    """A PNG file of filtered rows with any header and any transparent colour, which Pillow cannot write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    hidden = chunk(b"tRNS", transparent) if transparent else b""
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + hidden + data + chunk(b"IEND", b"")


def landscape(width: int, height: int) -> Image.Image:
    """A blue sky over a green field, with a red sun."""
    rows, columns = np.mgrid[:height, :width] / [[[height]], [[width]]]
    sky = np.stack([90 + 80 * rows, 140 + 60 * rows, 235 - 20 * rows], -1)
    field = np.stack([40 + 60 * rows, 150 - 60 * rows, 40 + 0 * rows], -1)
    picture = np.where((rows < 0.5)[..., None], sky, field)
    picture[(rows - 0.25) ** 2 + (columns - 0.7) ** 2 < 0.02] = 220, 60, 30
    return Image.fromarray(picture.round().astype(np.uint8))
