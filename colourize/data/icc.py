"""Writes an ICC profile for declared primaries and gamma."""

import functools
import struct
from collections.abc import Sequence

import numpy as np

D50 = 0.9642, 1.0, 0.8249  # XYZ of its white
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class BrokenProfile(Exception):  # noqa: N818
    """A profile cannot be applied to its picture; the text is a short reason on one line."""


@functools.lru_cache(32)
def profile_of(primaries: tuple[float, ...] | None, gamma: float) -> bytes:
    """An ICC profile (ICC.1:2010) of light = value ** gamma: RGB with primaries, grey for None.

    Raises:
        BrokenProfile: the primaries lie on one straight line.
    """
    curve = b"para" + struct.pack(">IHHi", 0, 0, 0, round(gamma * 65536))
    tags = {"wtpt": _xyz(D50)}
    if primaries is None:
        tags["kTRC"] = curve
    else:
        tags |= {f"{c}XYZ": _xyz(column) for c, column in zip("rgb", _to_d50(primaries).T, strict=True)}
        tags |= {f"{c}TRC": curve for c in "rgb"}
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(body), len(content))
        body += content
    space = b"GRAY" if primaries is None else b"RGB "
    header = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04200000, b"mntr", space, b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + _xyz(D50)[8:] + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _to_d50(primaries: Sequence[float]) -> np.ndarray:
    """The matrix from RGB to XYZ, [3, 3], with the white adapted to D50 by Bradford's method."""
    x, y = np.array(primaries).reshape(4, 2).T
    try:
        with np.errstate(all="raise"):
            colours = np.stack([x / y, np.ones(4), (1 - x - y) / y])
            white, matrix = colours[:, 0], colours[:, 1:]
            matrix = matrix * np.linalg.solve(matrix, white)
            cones = (BRADFORD @ D50) / (BRADFORD @ white)
            adapted = np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ matrix
    except (FloatingPointError, np.linalg.LinAlgError):
        raise BrokenProfile("impossible primaries") from None
    if not np.abs(adapted).max() < 100:
        raise BrokenProfile("impossible primaries")
    return adapted


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))
