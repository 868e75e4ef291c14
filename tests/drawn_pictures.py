"""Small pictures, each in a single colour that tells which it is."""

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
