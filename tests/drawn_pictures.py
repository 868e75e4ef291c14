"""Small pictures, each in a single colour that tells which it is, and PNG files byte by byte."""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import torch
from PIL import Image

from colourize.data.folder import load
from colourize.data.pictures import Pictures


def draw(root: Path, *names: str, side: int = 8) -> None:
    """A picture at each path, in a single colour that ``shades`` can tell."""
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


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, transparent: bytes = b"") -> bytes:
    """A PNG file of filtered rows, with what PIL would not write: any header, any transparent colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    hidden = chunk(b"tRNS", transparent) if transparent else b""
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + hidden + data + chunk(b"IEND", b"")
