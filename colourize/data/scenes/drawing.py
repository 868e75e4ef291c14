"""Shapes, noise and random numbers of drawn pictures. N pictures, H height, W width; coordinates in [0, 1], y downward.

Results are the same on every machine: all operations are elementwise and rounded exactly by IEEE 754 (+ - * / sqrt,
comparisons, floor), and random numbers are the raw bits of a bit generator. numpy guarantees that these bits do not
change between versions, but not its distributions.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# float32 everywhere; numpy's annotations lose the width in mixed arithmetic
Array = NDArray[np.floating]
Measure = Array | np.floating | float


def uniforms(seed: int, split: int, columns: int, chunk: int) -> Iterator[Array]:
    """Endless chunks [chunk, columns] of uniform random numbers in [0, 1]; row i does not depend on ``chunk``."""
    bits = np.random.Philox(key=np.array([seed % 2**64, split], dtype=np.uint64))
    while True:
        raw = bits.random_raw(chunk * columns).reshape(chunk, columns)
        yield ((raw >> np.uint64(11)) * 2.0**-53).astype(np.float32)


def disc(x: Array, y: Array, radius: Measure, height: Measure | None = None) -> Array:
    """Signed distance to a disc, or to the ellipse with these half axes (first order, near its border)."""
    if height is None:
        from_border: Array = np.sqrt(x * x + y * y) - radius
        return from_border
    across, down = x / radius, y / height
    reach = np.sqrt(across * across + down * down + np.float32(1e-6))
    steep = np.sqrt((across / radius) * (across / radius) + (down / height) * (down / height) + np.float32(1e-6))
    distance: Array = reach * (reach - 1) / steep
    return distance


def box(x: Array, y: Array, width: Measure, height: Measure) -> Array:
    """Signed distance to the rectangle of half sides ``width`` and ``height``; inside, to the nearest side."""
    distance: Array = np.maximum(np.abs(x) - width, np.abs(y) - height)
    return distance


def cone(x: Array, y: Array, height: Measure, top: Measure, bottom: Measure) -> Array:
    """Signed distance to the symmetric trapezoid from y = 0 (half width ``top``) to ``height`` (``bottom``)."""
    slope = (bottom - top) / height
    side = (np.abs(x) - top - slope * y) / np.sqrt(1 + slope * slope)
    distance: Array = np.maximum(side, np.maximum(-y, y - height))
    return distance


def waves(phase: Array) -> Array:
    """Triangle wave of period 1, in [0, 1]; 0 at integers."""
    wave: Array = 1 - 2 * np.abs(phase - np.floor(phase) - np.float32(0.5))
    return wave


def smooth(lattice: Array, height: int, width: int) -> Array:
    """Noise [N, height, width], interpolated between the nodes [N, R, C]; with one row a profile [N, 1, width]."""
    if lattice.shape[1] > 1:
        lattice = np.ascontiguousarray(_between_nodes(lattice.swapaxes(1, 2), height).swapaxes(1, 2))
    return _between_nodes(lattice, width)


def _between_nodes(nodes: Array, size: int) -> Array:
    position = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32((nodes.shape[-1] - 1) / size)
    left = np.floor(position).astype(np.int64)
    t = position - left.astype(np.float32)
    t = t * t * (3 - 2 * t)
    before, after = nodes[..., left], nodes[..., left + 1]
    noise: Array = before + (after - before) * t
    return noise
