"""Interpolates chroma from the network's coarse cells to every pixel, along the edges of the lightness.

h, w cells; H, W pixels. Lightness is CIELAB's L in [0, 100], chroma its (a, b).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colourize.kernels.photograph import Rows

Floats = NDArray[np.float32]
Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]
EPSILON = 150.0  # of the regression, in units of L squared; measured in docs/photographs.md
CUBIC, LINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR


class Upsampler:
    """Chroma of strips of the full picture: cubic interpolation plus a correction from the lightness.

    A local linear model as in the guided filter (He, Sun, Tang 2010; fast: He and Sun 2015, arXiv 1505.00996): in 3x3
    cells, chroma = A L + b with A = cov(L, chroma) / (var(L) + epsilon). The guided filter's result is A L + b, with A
    and b averaged over windows, which blurs chroma that is coarse already. Here the result is the interpolated chroma
    + A (L - interpolated L): A multiplies only the detail that the cells have lost. On the test photographs colours
    bleed less than with the bilinear, the joint bilateral and the guided filter.

    Args:
        chroma: float32 [2, h, w].
        lightness: the mean L of each cell, float32 [h, w].
        content: height and width of the picture in cells, not always whole; the other cells are padding.
        size: H, W.
    """

    def __init__(self, chroma: Floats, lightness: Floats, content: tuple[float, float], size: tuple[int, int]) -> None:
        self.size, self.content = size, content
        self._smooth = np.stack([*chroma, lightness])
        self._slopes = slopes(chroma, lightness)

    def strip(self, top: int, lightness: Floats) -> Floats:
        """Chroma of the rows from ``top`` on: their lightness [R, W] -> float32 [2, R, W]."""
        *smooth, low = (self._rows(plane, top, len(lightness), CUBIC) for plane in self._smooth)
        lost = lightness - low
        return np.stack([
            values + self._rows(slope, top, len(lightness), LINEAR) * lost
            for values, slope in zip(smooth, self._slopes, strict=True)
        ])  # fmt: skip

    def coarse(self, top: int, rows: int) -> tuple[Rows, Rows]:
        """Intermediate arrays of ``strip`` after the column pass: chroma and lightness, and the slopes."""
        return self._columns(self._smooth, top, rows, 2, _cubic), self._columns(self._slopes, top, rows, 1, _linear)

    def _columns(self, planes: Floats, top: int, rows: int, support: float, kernel: Kernel) -> Rows:
        first, weights = _weights(top, rows, self.content[0] / self.size[0], planes.shape[1], support, kernel)
        start, end = int(first.min()), int(first.max()) + weights.shape[1]
        stacked = planes[:, start:end].reshape(-1, planes.shape[2])  # one picture: Pillow computes its weights once
        how, box = CUBIC if kernel is _cubic else LINEAR, (0.0, 0.0, self.content[1], float(len(stacked)))
        wide = np.asarray(Image.fromarray(stacked).resize((self.size[1], len(stacked)), how, box=box))
        return Rows(wide.reshape(len(planes), -1, self.size[1]), first - start, weights)

    def _rows(self, plane: Floats, top: int, rows: int, how: Image.Resampling) -> Floats:
        (height, width), (tall, wide) = self.size, self.content
        box = 0.0, top / height * tall, wide, min((top + rows) / height * tall, len(plane))
        return np.asarray(Image.fromarray(plane).resize((width, rows), how, box=box))


def _weights(
    top: int, rows: int, scale: float, cells: int, support: float, kernel: Kernel
) -> tuple[NDArray[np.int64], Floats]:
    """First cell of each pixel, int64 [R], and weights of the cells from there on, float32 [R, taps], as in Pillow.

    Args:
        top: the first pixel.
        rows: R, their number.
        scale: cells a pixel.
        cells: their number.
        support: of the kernel, in cells.
        kernel: weights of distances.
    """
    wider = max(scale, 1.0)  # a smaller picture: the kernel covers the cells of a pixel
    centre = (np.arange(top, top + rows) + 0.5) * scale
    low = np.maximum((centre - support * wider + 0.5).astype(np.int64), 0)
    high = np.minimum((centre + support * wider + 0.5).astype(np.int64), cells)
    taps = int((high - low).max())
    first = np.minimum(low, cells - taps)
    at = first[:, None] + np.arange(taps)
    weights = kernel((at + 0.5 - centre[:, None]) / wider) * ((at >= low[:, None]) & (at < high[:, None]))
    return first, (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pillow's bicubic kernel, a = -1/2."""
    x = np.abs(distance)
    return np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0.0))


def _linear(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1 - np.abs(distance), 0)


def slopes(chroma: Floats, lightness: Floats, epsilon: float = EPSILON) -> Floats:
    """A of the local linear model in 3x3 cells, fewer at the border: [2, h, w], [h, w] -> float32 [2, h, w]."""
    mean, means = _mean(lightness), _mean(chroma)
    covariance = _mean(lightness * chroma) - mean * means
    variance = _mean(lightness * lightness) - mean * mean
    return (covariance / (variance + epsilon)).astype(np.float32)


def _mean(values: Floats) -> NDArray[np.float64]:
    """Mean over 3x3 cells, of those inside: [..., h, w] -> float64 [..., h, w]."""
    return _sum(_sum(values, -1), -2) / _sum(_sum(np.ones(values.shape[-2:]), -1), -2)


def _sum(values: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    swapped = np.swapaxes(values.astype(np.float64), axis, -1)
    padded = np.pad(swapped, [(0, 0)] * (values.ndim - 1) + [(1, 1)])
    return np.swapaxes(padded[..., :-2] + padded[..., 1:-1] + padded[..., 2:], axis, -1)
