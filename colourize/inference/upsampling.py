"""Interpolates chroma from the network's coarse cells to every pixel, along the edges of the lightness.

h, w cells; H, W pixels. Lightness is CIELAB's L in [0, 100], chroma its (a, b).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
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
        slope = slopes(chroma, lightness)
        self._smooth = [Image.fromarray(np.ascontiguousarray(plane)) for plane in (*chroma, lightness)]
        self._slopes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in slope]

    def strip(self, top: int, lightness: Floats) -> Floats:
        """Chroma of the rows from ``top`` on: their lightness [R, W] -> float32 [2, R, W]."""
        *smooth, low = (self._rows(plane, top, len(lightness), CUBIC) for plane in self._smooth)
        lost = lightness - low
        return np.stack([
            values + self._rows(slope, top, len(lightness), LINEAR) * lost
            for values, slope in zip(smooth, self._slopes, strict=True)
        ])  # fmt: skip

    def _rows(self, plane: Image.Image, top: int, rows: int, how: Image.Resampling) -> Floats:
        (height, width), (tall, wide) = self.size, self.content
        box = 0.0, top / height * tall, wide, min((top + rows) / height * tall, plane.height)
        return np.asarray(plane.resize((width, rows), how, box=box))


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
