"""Measures how far chroma bleeds over edges of lightness: python benchmarks/bleeding.py DIR [--cells 32] [--blur 1].

The true chroma of photographs is averaged to a coarse grid, blurred a little like a network's output, and enlarged to
full resolution by several methods. Prints the mean distance to the truth in CIELAB's (a, b): over all pixels, and over
the tenth of the pixels with the steepest lightness.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

sys.path.insert(0, str(Path(__file__).parent.parent))

from colourize.data import kinds
from colourize.data.read import read_rgb
from colourize.evaluation import bleeding
from colourize.inference import space
from colourize.inference.upsampling import Upsampler

Array = NDArray[np.float32]
Way = Callable[[Array, Array, Array], Array]  # chroma [2, h, w], mean L of cells [h, w], L [H, W] -> [2, H, W]


def scaled(values: Array, size: tuple[int, int], how: Image.Resampling) -> Array:
    """Resizes arrays: [..., h, w] -> [..., H, W]."""
    planes = values.reshape(-1, *values.shape[-2:])
    images = [np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size[::-1], how)) for plane in planes]
    return np.stack(images).reshape(*values.shape[:-2], *size)


def interpolated(how: Image.Resampling) -> Way:
    """Plain interpolation."""
    return lambda chroma, cells, full: scaled(chroma, full.shape, how)


def guided(radius: int, epsilon: float) -> Way:
    """The fast guided filter (He and Sun 2015), with coefficients at twice the resolution of the cells."""

    def way(chroma: Array, cells: Array, full: Array) -> Array:
        size = min(2 * cells.shape[0], full.shape[0]), min(2 * cells.shape[1], full.shape[1])
        p, guide = scaled(chroma, size, Image.Resampling.BILINEAR), scaled(full, size, Image.Resampling.BOX)

        def mean(values: Array) -> Array:
            return uniform_filter(values, [1] * (values.ndim - 2) + [2 * radius + 1] * 2, mode="nearest")

        slope = (mean(guide * p) - mean(guide) * mean(p)) / (mean(guide * guide) - mean(guide) ** 2 + epsilon)
        offset = mean(p) - slope * mean(guide)
        slope, offset = (scaled(mean(each), full.shape, Image.Resampling.BILINEAR) for each in (slope, offset))
        return slope * full + offset

    return way


def bilateral(sigma: float) -> Way:
    """Joint bilateral upsampling (Kopf and others 2007) over the four nearest cells."""

    def way(chroma: Array, cells: Array, full: Array) -> Array:
        sides = [(np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(full.shape, cells.shape, strict=True)]
        first = [np.floor(side).astype(int) for side in sides]
        total, weights = np.zeros((2, *full.shape)), np.zeros(full.shape)
        for row in (0, 1):
            for column in (0, 1):
                at = np.ix_(
                    *(np.clip(f + d, 0, m - 1) for f, d, m in zip(first, (row, column), cells.shape, strict=True))
                )
                near = np.outer(1 - abs(sides[0] - first[0] - row), 1 - abs(sides[1] - first[1] - column))
                weight = near * (np.exp(-((full - cells[at]) ** 2) / (2 * sigma**2)) + 1e-4)
                total, weights = total + weight * chroma[:, at[0], at[1]], weights + weight
        return (total / weights).astype(np.float32)

    return way


def ours(chroma: Array, cells: Array, full: Array) -> Array:
    """The method of ``colourize.inference.upsampling``: bicubic interpolation, corrected by the lost lightness."""
    return Upsampler(chroma, cells, cells.shape, full.shape).strip(0, full)


WAYS: dict[str, Way] = {
    "bilinear": interpolated(Image.Resampling.BILINEAR),
    "bicubic": interpolated(Image.Resampling.BICUBIC),
    "guided filter, radius 1": guided(1, 4.0),
    "guided filter, radius 2": guided(2, 10.0),
    "joint bilateral, sigma 10": bilateral(10.0),
    "joint bilateral, sigma 20": bilateral(20.0),
    "bicubic + lost lightness (ours)": ours,
}


def errors(path: Path, cells: int, blur: float) -> dict[str, bleeding.Errors]:
    """Mean error over all pixels and over edges, for each method."""
    lab = space.lab(np.asarray(read_rgb(path)) / 255)
    full, truth = lab[..., 0], np.moveaxis(lab[..., 1:], -1, 0)
    size = tuple(round(side * cells / min(full.shape)) for side in full.shape)
    chroma, low = (scaled(each, size, Image.Resampling.BOX) for each in (truth, full))
    chroma = gaussian_filter(chroma, (0, blur, blur)) if blur else chroma
    edges = bleeding.steep(full)
    return {name: bleeding.errors(way(chroma, low, full), truth, edges) for name, way in WAYS.items()}


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="photographs in colour")
    parser.add_argument("--cells", type=int, default=32, help="of the shorter side (default: 32)")
    parser.add_argument("--blur", type=float, default=1.0, help="sigma in cells (default: 1)")
    parser.add_argument("--most", type=int, default=100, help="pictures, spread over the folder (default: 100)")
    given = parser.parse_args()
    names, _ = kinds.scan(given.folder)
    chosen = names[:: max(1, len(names) // given.most)][: given.most]
    rows = [errors(given.folder / name, given.cells, given.blur) for name in chosen]
    print(f"{len(rows)} photographs, {given.cells} cells, blur {given.blur:g}")
    print("| upsampling | all pixels | edges |\n|---|--:|--:|")
    for name in WAYS:
        means = np.mean([row[name] for row in rows], axis=0)
        print(f"| {name} | {means[0]:.2f} | {means[1]:.2f} |")


if __name__ == "__main__":
    main()
