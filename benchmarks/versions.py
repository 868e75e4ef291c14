"""Writes five versions of pictures with boxes, for the study of detectors (docs/studies/detector.md).

python benchmarks/versions.py DIR OUT [--seed 0]

Each version is a folder of its own with the same files of boxes, so that ``data=boxes data.root=OUT/grey`` reads it:

- ``colour``: the picture itself;
- ``grey``: the grey of the same luminance;
- ``network``: this grey, coloured again by the network that comes with colourize (``colourize photo``);
- ``table``: the same with P(colour | grey level), which ignores the surroundings;
- ``hue``: the hues turned by an angle of the picture's own, uniform in 60° to 300°; luminance and chroma stay, as far
  as sRGB reaches.

Pictures are PNG in content, under their own names, so that no version has other traces of compression.
"""

import argparse
import json
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from colourize import load
from colourize.data import kinds, read
from colourize.evaluation import photograph_floors
from colourize.files import replace, replace_text
from colourize.inference import space
from colourize.model import Model
from colourize.runs import shipped

BOXES = ".json", ".xml", ".txt", ".yaml"
Picture = NDArray[np.uint8]
Version = Callable[[Picture, str], Picture]


def grey(picture: Picture, name: str = "") -> Picture:
    """The grey of the same luminance: uint8 [H, W, 3] -> [H, W, 3]."""
    levels = space.grey_levels(picture)
    if levels.dtype == np.uint16:
        levels = ((levels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def coloured(model: Model) -> Version:
    """The grey of a picture, in the colours that a model predicts."""
    return lambda picture, name: np.asarray(model.colourize(grey(picture)[..., 0]))


def turned(seed: int) -> Version:
    """A picture whose hues are turned by an angle of its own, of CIELAB's (a, b) plane."""

    def version(picture: Picture, name: str) -> Picture:
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        angle = np.deg2rad(random.uniform(60, 300))
        _, a, b = np.moveaxis(space.lab(picture / np.float32(255)), -1, 0)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return space.joined(grey(picture)[..., 0], np.stack([cosine * a - sine * b, sine * a + cosine * b]))[0]

    return version


def versions(seed: int = 0) -> dict[str, Version]:
    """The five versions by their names."""
    network = load("shipped")
    floors = photograph_floors.read(shipped.floors(), network.palette)
    if floors is None:
        raise SystemExit("this colourize comes without the floors of its network")
    table = Model(floors.table, network.palette, network.space)
    return {
        "colour": lambda picture, name: picture,
        "grey": grey,
        "network": coloured(network),
        "table": coloured(table.eval()),
        "hue": turned(seed),
    }


def write(root: Path, out: Path, seed: int = 0) -> dict[str, int]:
    """Writes all versions of the pictures below ``root``; returns the number of pictures of each.

    Raises:
        InputError: no folder of pictures.
    """
    made = versions(seed)
    names, _ = kinds.scan(root)
    boxes = [path for path in root.rglob("*") if path.suffix in BOXES]
    for version in made:
        for path in boxes:
            target = out / version / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for name in names:
        picture = np.asarray(read.read_rgb(root / name))
        for version, change in made.items():
            target = out / version / name
            target.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(change(picture, name))
            replace(target, lambda file, image=image: image.save(file, "PNG"))
    replace_text(out / "versions.json", json.dumps({"seed": seed, "pictures": len(names)}) + "\n")
    return dict.fromkeys(made, len(names))


def main() -> None:
    """The command of this file."""
    parser = argparse.ArgumentParser(description="Writes five versions of pictures with boxes.")
    parser.add_argument("root", type=Path, help="a folder of pictures with boxes")
    parser.add_argument("out", type=Path, help="the folder of the versions")
    parser.add_argument("--seed", type=int, default=0, help="of the turned hues")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for version, count in write(given.root, given.out, given.seed).items():
        print(f"{version}: {count} pictures")


if __name__ == "__main__":
    main()
