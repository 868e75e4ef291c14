"""Colours strips of a photograph in one pass: interpolation, detail, conversion to sRGB, gamut. Needs no torch.

R rows of the strip, W its width, n coarse rows. The same formulas as in ``inference.upsampling`` and
``inference.space``, to rounding.
"""

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from colourize.kernels import build
from colourize.kernels.build import Kernels

KERNELS = Kernels(("photograph.c",), "photographs are coloured by numpy")
Floats = NDArray[np.float32]


class Rows(NamedTuple):
    """Coarse rows that are interpolated to all columns, and their weights in each row of the strip.

    Attributes:
        planes: float32 [P, n, W].
        first: the first coarse row that a row needs, int64 [R] in [0, n - taps].
        weights: of the coarse rows from there on, float32 [R, taps].
    """

    planes: Floats
    first: NDArray[np.int64]
    weights: Floats


class Tables(NamedTuple):
    """Tables of levels: luminance and its root of each grey level, float32; 8-bit sRGB of 65,536 linear values."""

    light: Floats
    root: Floats
    encoded: NDArray[np.uint8]


class Maths(NamedTuple):
    """Constants of the conversion, as in ``inference.space``.

    Attributes:
        by_a: change of X's root with a.
        by_b: change of Z's root with -b.
        edge: roots above it are cube roots.
        offset: of the line below it.
        unslope: 1 / slope of that line.
        of_x: of linear R, G and B with X - Y.
        of_z: of linear R, G and B with Z - Y.
        low: least linear value inside the gamut.
        high: largest linear value inside the gamut.
    """

    by_a: float
    by_b: float
    edge: float
    offset: float
    unslope: float
    of_x: tuple[float, float, float]
    of_z: tuple[float, float, float]
    low: float
    high: float


class _Weights(ctypes.Structure):
    _fields_ = (
        ("first", ctypes.c_void_p), ("values", ctypes.c_void_p), ("taps", ctypes.c_int64), ("rows", ctypes.c_int64),
    )  # fmt: skip


def library() -> ctypes.CDLL | None:
    """The compiled kernel, or None where it cannot be built."""
    return build.library(KERNELS)


def coloured(
    grey: NDArray[Any], tables: Tables, maths: Maths, smooth: Rows, slopes: Rows,
    colours: NDArray[np.uint8],
) -> int:  # fmt: skip
    """Colours one strip; the global interpreter lock is free meanwhile.

    Args:
        grey: uint8 or uint16 levels [R, W].
        tables: for levels of this type.
        maths: constants.
        smooth: planes of a, b and L.
        slopes: planes of the slopes of a and b.
        colours: the result, uint8 [R, W, 3], contiguous.

    Returns:
        The number of pixels whose chroma was reduced to fit the gamut.

    Raises:
        ValueError: arrays of other shapes, types or layouts.
    """
    found = library()
    if found is None:
        raise ValueError("the kernel cannot be compiled on this machine")
    rows, width = grey.shape
    _check(colours, (rows, width, 3), np.uint8)
    _check(grey, (rows, width), np.uint16 if grey.dtype == np.uint16 else np.uint8)
    levels = 1 << 16 if grey.dtype == np.uint16 else 1 << 8
    _check(tables.light, (levels,), np.float32)
    _check(tables.root, (levels,), np.float32)
    _check(tables.encoded, (1 << 16,), np.uint8)
    constants = np.array([*maths[:5], *maths.of_x, *maths.of_z, maths.low, maths.high], np.float32)
    function = found.coloured
    function.restype = ctypes.c_int64
    return int(function(
        _at(grey), ctypes.c_int64(grey.dtype == np.uint16), _at(tables.light), _at(tables.root), _at(tables.encoded),
        ctypes.c_int64(rows), ctypes.c_int64(width), _at(smooth.planes),
        ctypes.byref(_weights(smooth, 3, rows, width)), _at(slopes.planes),
        ctypes.byref(_weights(slopes, 2, rows, width)), _at(constants), _at(colours),
    ))  # fmt: skip


def _weights(of: Rows, planes: int, rows: int, width: int) -> _Weights:
    coarse, taps = of.planes.shape[1], of.weights.shape[1]
    _check(of.planes, (planes, coarse, width), np.float32)
    _check(of.first, (rows,), np.int64)
    _check(of.weights, (rows, taps), np.float32)
    if rows and not (of.first.min() >= 0 and of.first.max() + taps <= coarse):
        raise ValueError(f"first must be in [0, {coarse - taps}]")
    return _Weights(of.first.ctypes.data, of.weights.ctypes.data, taps, coarse)


def _check(array: NDArray[Any], shape: tuple[int, ...], kind: Any) -> None:
    if array.shape != shape or array.dtype != kind or not array.flags.c_contiguous:
        raise ValueError(f"must be a contiguous {np.dtype(kind)} {list(shape)}, got {array.dtype} {list(array.shape)}")


def _at(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
