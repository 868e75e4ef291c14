"""ICC profiles byte by byte (ICC.1:2010), from published primaries and curves, without the project's code."""

import struct

import numpy as np
from colour import RGB_COLOURSPACES, XYZ_to_Lab, normalised_primary_matrix
from colour.adaptation import matrix_chromatic_adaptation_VonKries

D50 = np.array([0.9642, 1.0, 0.8249])


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _profile(space: bytes, connection: bytes, tags: dict[str, bytes], kind: bytes = b"mntr") -> bytes:
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name.encode(), start + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"test", 0x02400000, kind, space, connection)
    header += bytes(12) + b"acsp" + bytes(28) + _xyz(D50)[8:] + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _matrix(name: str, gamma: float | None = None) -> bytes:
    """RGB by a matrix and a curve of 4096 points: the space's own, or a power."""
    space = RGB_COLOURSPACES[name]
    white = np.append(space.whitepoint, 1 - sum(space.whitepoint)) / space.whitepoint[1]
    matrix = matrix_chromatic_adaptation_VonKries(white, D50, "Bradford") @ normalised_primary_matrix(
        space.primaries, space.whitepoint
    )
    values = np.linspace(0, 1, 4096)
    light = np.clip(space.cctf_decoding(values), 0, 1) if gamma is None else values**gamma
    curve = b"curv" + struct.pack(">II", 0, 4096) + (light * 65535).round().astype(">u2").tobytes()
    tags = {"wtpt": _xyz(D50)} | {f"{c}XYZ": _xyz(column) for c, column in zip("rgb", matrix.T, strict=True)}
    return _profile(b"RGB ", b"XYZ ", tags | {f"{c}TRC": curve for c in "rgb"})


ADOBE, P3 = _matrix("Adobe RGB (1998)"), _matrix("Display P3")
ADOBE_2_2 = _matrix("Adobe RGB (1998)", 2.2)  # as written by many programs; the standard has 563 / 256
PROPHOTO, SRGB = _matrix("ProPhoto RGB"), _matrix("sRGB")
GREY_LINEAR = _profile(b"GRAY", b"XYZ ", {"wtpt": _xyz(D50), "kTRC": b"curv" + struct.pack(">II", 0, 0)})


def _table(inputs: int, lab: np.ndarray, points: int) -> bytes:
    """lut16: [points ** inputs, 3] of L in [0, 100], a and b in [-128, 128)."""
    encoded = np.stack([lab[:, 0] / 100 * 65280, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=1)
    ramp = struct.pack(">2H", 0, 65535)
    return (
        b"mft2" + bytes(4) + bytes([inputs, 3, points, 0])
        + struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
        + struct.pack(">2H", 2, 2) + ramp * inputs
        + encoded.round().clip(0, 65535).astype(">u2").tobytes() + ramp * 3
    )  # fmt: skip


def _ink_light(inks: np.ndarray) -> np.ndarray:
    """Linear sRGB of an invented press with impure cyan, magenta and yellow: [..., 4] in [0, 1] to [..., 3]."""
    filters = np.array([[0.05, 0.45, 0.75], [0.70, 0.08, 0.30], [0.95, 0.80, 0.10], [0.0, 0.0, 0.0]])
    return np.prod(1 - inks[..., None] * (1 - filters), axis=-2)


def _cmyk() -> bytes:
    points = 9
    levels = np.linspace(0, 1, points)
    inks = np.stack(np.meshgrid(*[levels] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    space = RGB_COLOURSPACES["sRGB"]
    white = np.append(space.whitepoint, 1 - sum(space.whitepoint)) / space.whitepoint[1]
    xyz = _ink_light(inks) @ space.matrix_RGB_to_XYZ.T @ matrix_chromatic_adaptation_VonKries(white, D50, "Bradford").T
    lab = XYZ_to_Lab(xyz, D50[:2] / D50.sum())
    return _profile(b"CMYK", b"Lab ", {"wtpt": _xyz(D50), "A2B0": _table(4, lab, points)}, b"prtr")


def cmyk_seen(inks: list[int]) -> np.ndarray:
    """8-bit sRGB of 8-bit inks according to the profile ``CMYK``."""
    light = _ink_light(np.array(inks) / 255)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


CMYK = _cmyk()
_LEVELS = np.linspace(0, 1, 3)
_GRID = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(-1, 3)
LAB = _profile(
    b"Lab ", b"Lab ",
    {"wtpt": _xyz(D50), "A2B0": _table(3, _GRID * [100, 256, 256] - [0, 128, 128], 3)}, b"spac",
)  # fmt: skip
