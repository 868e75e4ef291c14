"""The values in pickles of numpy arrays: allowed names, and arrays built from their bytes. N, M sides."""

import math
from dataclasses import dataclass

import numpy as np

_HOMES = "numpy.core.multiarray", "numpy._core.multiarray"  # numpy 1 and 2
NAMES = {
    **{(home, "_reconstruct"): "array" for home in _HOMES},
    **{(home, "scalar"): "scalar" for home in _HOMES},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
_NUMBERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f2", "f4", "f8"}
_OBJECTS = {"O", "O4", "O8"}


class UnreadablePickle(Exception):  # noqa: N818
    """The pickle contains something other than arrays; the text is a short reason on one line."""


@dataclass(frozen=True)
class Name:
    """A global that the pickle names: one of ``NAMES``."""

    what: str


@dataclass
class Dtype:
    """A type of numbers: a name such as "f8", and the byte order."""

    name: str
    order: str | None = None


class Array:
    """An array; its state sets ``value``. An object array [N] becomes a list."""

    value: np.ndarray | list[object] | None = None


def called(what: str, arguments: tuple[object, ...]) -> object:
    """The result of a call in a pickle of arrays.

    Args:
        what: the name of the function, one of ``NAMES``.
        arguments: the arguments of the call.

    Raises:
        UnreadablePickle: pickles of arrays do not contain this call.
    """
    match what, arguments:
        case "array", (Name(what="ndarray"), tuple(), str() | bytes()):
            return Array()
        case "dtype", (str() | bytes() as name, int(), int()) if text_of(name) in _NUMBERS | _OBJECTS:
            return Dtype(text_of(name))
        case "scalar", (Dtype() as dtype, str() | bytes() as data):
            return filled((), dtype, False, data)
        case "encode", (str() as text, "latin1" | "latin-1"):
            return bytes_of(text)
    raise UnreadablePickle(f"it has an unexpected call of {what}")


def filled(shape: tuple[object, ...], dtype: Dtype, by_columns: bool, data: object) -> np.ndarray | list[object]:
    """The array from its stored bytes, or the list of stored objects."""
    sides = [side for side in shape if type(side) is int and 0 <= side < 2**31]
    if len(shape) > 2 or len(sides) < len(shape):
        raise UnreadablePickle("it has an invalid shape")
    if dtype.name in _OBJECTS:
        if not isinstance(data, list) or shape != (len(data),):
            raise UnreadablePickle("its objects are not in a list")
        return data
    if not isinstance(data, str | bytes) or dtype.order not in ("<", ">", "|", "=", None):
        raise UnreadablePickle("its numbers are not stored as bytes")
    kind, content = np.dtype(("<" if dtype.order in ("|", "=", None) else dtype.order) + dtype.name), bytes_of(data)
    if math.prod(sides) * kind.itemsize != len(content):
        raise UnreadablePickle(f"it has an array of shape {shape} in {len(content)} bytes")
    return np.frombuffer(content, kind).reshape(sides, order="F" if by_columns else "C")


def text_of(value: str | bytes) -> str:
    """The text of a string pickled by Python 2 or 3."""
    return value if isinstance(value, str) else value.decode("latin-1")


def bytes_of(value: str | bytes) -> bytes:
    """The bytes of a string pickled by Python 2 or 3."""
    try:
        return value if isinstance(value, bytes) else value.encode("latin-1")
    except UnicodeEncodeError:
        raise UnreadablePickle("its numbers are not stored as bytes") from None
