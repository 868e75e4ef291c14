"""Colour spaces of photographs in numpy: lightness of grey levels, CIELAB to sRGB at a given lightness, the gamut.

H height, W width, P pixels. A level is an sRGB value: uint8 or uint16, where 255 or 65535 is white. Greys are exactly
neutral here, while the constants of ``colour.lab`` give them |a|, |b| < 0.01.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colourize.colour import constants
from colourize.kernels.photograph import Maths, Tables

Floats = NDArray[np.float32]
Levels = NDArray[np.uint8] | NDArray[np.uint16]
STEPS = 10  # of the bisection: the chroma is exact to 2**-10 of itself
INSIDE = 2e-4  # tolerance of linear RGB around [0, 1]: less than an 8-bit level, except below level 2
STRIP = 1 << 18  # pixels that are computed at once: a few megabytes
ROOTS = 1 << 17  # entries of the table from roots of linear RGB to 16-bit sRGB: at most one level from the formula
FINE = 1 << 16  # entries of the table from linear RGB to 8-bit sRGB: at most 0.05 levels apart

_XYZ_OF_RGB = np.array(constants.XYZ_OF_RGB) / np.array(constants.WHITE)[:, None]
_XYZ_OF_RGB /= _XYZ_OF_RGB.sum(1, keepdims=True)  # a grey has X = Y = Z exactly
RGB_OF_XYZ = np.linalg.inv(_XYZ_OF_RGB)
LUMINANCE = _XYZ_OF_RGB[1]
"""Weights of linear R, G, B in the luminance Y; their sum is 1."""


def linear(srgb: NDArray[Any]) -> Any:
    """sRGB in [0, 1] -> linear RGB (IEC 61966-2-1): [...] -> [...]."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4)


def encoded(light: NDArray[Any]) -> Any:
    """Linear RGB in [0, 1] -> sRGB: [...] -> [...]."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)


@functools.cache
def linear_of_levels(white: int) -> NDArray[np.float64]:
    """Luminance Y in [0, 1] of every grey level: float64 [white + 1], for white = 255 or 65535."""
    return linear(np.arange(white + 1) / white)


@functools.cache
def lightness_of_levels(white: int) -> Floats:
    """CIELAB's L in [0, 100] of every grey level: float32 [white + 1]."""
    return (116 * _root(linear_of_levels(white)) - 16).astype(np.float32)


@functools.cache
def _eight_bit() -> NDArray[np.uint8]:
    return np.rint(255 * encoded(np.linspace(0, 1, FINE))).astype(np.uint8)


@functools.cache
def _sixteen_bit() -> NDArray[np.uint16]:
    """16-bit sRGB of the squares of equally spaced roots, which spread the levels near black, where they are close."""
    return np.rint(65535 * encoded(np.linspace(0, 1, ROOTS) ** 2)).astype(np.uint16)


def _root(light: NDArray[Any]) -> NDArray[Any]:
    """CIELAB's f: the cube root, and a line near black."""
    return np.where(
        light > constants.THRESHOLD,
        np.cbrt(np.maximum(light, constants.THRESHOLD)),
        constants.SLOPE * light + 16 / 116,
    )


def is_grey(rgb: Levels) -> bool:
    """Whether all three channels of a picture [H, W, 3] are equal."""
    return np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2])


def grey_levels(rgb: Levels) -> Levels:
    """The grey of the same luminance: [H, W, 3] -> uint16 [H, W]; a grey picture keeps its levels and type.

    Raises:
        TypeError: neither uint8 nor uint16.
    """
    if is_grey(rgb):
        return rgb[..., 0].copy()
    tables = [(linear_of_levels(white_of(rgb)) * weight).astype(np.float32) for weight in LUMINANCE]
    levels = np.empty(rgb.shape[:2], np.uint16)
    rows = max(1, STRIP // rgb.shape[1])
    for top in range(0, len(rgb), rows):
        part = rgb[top : top + rows]
        light = sum(table.take(part[..., channel]) for channel, table in enumerate(tables))
        places = np.sqrt(np.clip(light, 0, 1)) * (ROOTS - 1) + np.float32(0.5)
        levels[top : top + rows] = _sixteen_bit().take(places.astype(np.int32))
    return levels


def white_of(levels: Levels) -> int:
    """The level of white: 255 or 65535."""
    if levels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"levels must be uint8 or uint16, got {levels.dtype}")
    return int(np.iinfo(levels.dtype).max)


def lab(rgb: NDArray[Any]) -> Floats:
    """sRGB in [0, 1] -> CIELAB, L in [0, 100]: [..., 3] -> float32 [..., 3]."""
    x, y, z = np.moveaxis(_root(linear(rgb) @ _XYZ_OF_RGB.T), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def joined(grey: Levels, chroma: Floats, wide: bool = False) -> tuple[Levels, int]:
    """Colours with the luminance of ``grey`` and the chroma (a, b), reduced where it is out of the gamut.

    Lightness and hue stay; (a, b) is multiplied by the largest s <= 1 for which sRGB is in [0, 1], by bisection.

    Args:
        grey: [H, W] levels.
        chroma: [2, H, W], CIELAB's a and b.
        wide: whether the colours are uint16.

    Returns:
        [H, W, 3] levels, uint8 or uint16; and how many pixels were out of the gamut.
    """
    light = linear_of_levels(white_of(grey)).astype(np.float32)[grey]
    root = _root_of_levels(white_of(grey))[grey]
    red, green, blue = pixels = _linear_rgb(light, root, chroma)
    low, high = np.float32(-INSIDE), np.float32(1 + INSIDE)
    least = np.minimum(np.minimum(red, green), blue)
    outside = (least < low) | (np.maximum(np.maximum(red, green), blue) > high)
    count = int(outside.sum())
    if count:
        fitted = _fitted(light[outside], root[outside], chroma[:, outside])
        for channel, values in zip(pixels, fitted, strict=True):
            channel[outside] = values
    colours = np.empty((*grey.shape, 3), np.uint16 if wide else np.uint8)
    for index, channel in enumerate(pixels):
        np.clip(channel, 0, 1, out=channel)
        if wide:
            colours[..., index] = np.rint(65535 * encoded(channel))
        else:
            colours[..., index] = _eight_bit()[(channel * (FINE - 1) + np.float32(0.5)).astype(np.uint16)]
    return colours, count


@functools.cache
def tables(white: int) -> Tables:
    """The look-up tables of ``joined``, for the kernel in C."""
    return Tables(linear_of_levels(white).astype(np.float32), _root_of_levels(white), _eight_bit())


def maths() -> Maths:
    """The constants of ``joined``, for the kernel in C."""
    red, green, blue = RGB_OF_XYZ.tolist()
    of_x, of_z = ((red[at], green[at], blue[at]) for at in (0, 2))
    edge, low, high = constants.THRESHOLD ** (1 / 3), -INSIDE, 1 + INSIDE
    return Maths(1 / 500, 1 / 200, edge, 16 / 116, 1 / constants.SLOPE, of_x, of_z, low, high)


@functools.cache
def _root_of_levels(white: int) -> Floats:
    return _root(linear_of_levels(white)).astype(np.float32)


def _linear_rgb(light: Floats, root: Floats, chroma: Floats) -> list[Floats]:
    """Linear R, G, B of luminance Y, its f(Y) and (a, b): [...], [...], [2, ...] -> 3 times [...]."""
    x = _cube(root + chroma[0] * np.float32(1 / 500))
    z = _cube(root - chroma[1] * np.float32(1 / 200))
    x -= light  # since each row sums to 1: R = Y + m_x (X - Y) + m_z (Z - Y), exactly Y where a = b = 0
    z -= light
    return [light + np.float32(row[0]) * x + np.float32(row[2]) * z for row in RGB_OF_XYZ]


def _cube(root: NDArray[Any]) -> Any:
    """The inverse of ``_root``: [...] -> [...], of the same type."""
    line = (root - np.float32(16 / 116)) * np.float32(1 / constants.SLOPE)
    return np.where(root > np.float32(constants.THRESHOLD ** (1 / 3)), root * root * root, line)


def _fitted(light: Floats, root: Floats, chroma: Floats) -> list[Floats]:
    """Linear R, G, B with the largest share of the chroma that fits the gamut: [P], [P], [2, P] -> 3 times [P]."""
    fits, step = np.zeros_like(light), np.float32(1)
    for _ in range(STEPS):
        step = np.float32(step / 2)
        red, green, blue = _linear_rgb(light, root, chroma * (fits + step))
        inside = np.minimum(np.minimum(red, green), blue) >= -INSIDE
        inside &= np.maximum(np.maximum(red, green), blue) <= 1 + INSIDE
        fits += step * inside
    return _linear_rgb(light, root, chroma * fits)


def lightness(grey: NDArray[Any]) -> Floats:
    """CIELAB's L of sRGB greys in [0, 1]: [...] -> [...]."""
    return (116 * _root(linear(grey)) - 16).astype(np.float32)


_LMS_OF_RGB = np.array(constants.LMS_OF_RGB)
_OKLAB_OF_LMS = np.array(constants.OKLAB_OF_LMS)


def oklab_lightness(grey: NDArray[Any]) -> Floats:
    """OKLab's L of sRGB greys in [0, 1]: the cube root of their linear value, [...] -> [...]."""
    return np.cbrt(linear(grey)).astype(np.float32)


def of_oklab(oklab: Floats) -> Floats:
    """OKLab -> sRGB, clipped to [0, 1]: [3, h, w] -> [3, h, w]."""
    lms = np.tensordot(np.linalg.inv(_OKLAB_OF_LMS), oklab, 1) ** 3
    light = np.tensordot(np.linalg.inv(_LMS_OF_RGB), lms, 1)
    return encoded(light.clip(0, 1)).astype(np.float32)


def oklab(rgb: NDArray[Any]) -> Floats:
    """sRGB in [0, 1] -> OKLab, L in [0, 1]: [..., 3] -> float32 [..., 3]."""
    return (np.cbrt(linear(rgb) @ _LMS_OF_RGB.T) @ _OKLAB_OF_LMS.T).astype(np.float32)


def grey_of(lightness: Floats) -> Floats:
    """sRGB greys in [0, 1] of CIELAB's L in [0, 100]: [...] -> [...]."""
    return encoded(_cube((lightness + 16) / 116).clip(0, 1)).astype(np.float32)
