"""Reads the course's palette file, a Python 2 pickle inside a ``.npy``, and writes a plain ``.npy``. K colours."""

import io
import warnings
from pathlib import Path

import numpy as np

from colourize.colour.numpy_pickle import arrays
from colourize.colour.pickled_arrays import UnreadablePickle
from colourize.errors import InputError
from colourize.files import check_output, expanded, looked_at, replace

MOST_BYTES = 1 << 20  # limit of the file's size; the course's file has about a thousand bytes


def import_palette(source: Path, out: Path) -> int:
    """Writes the colours of the course's file as a plain ``.npy``, float32 [K, 3] in [0, 1]; returns K.

    Raises:
        InputError: the file is missing, or has another layout or values outside [0, 1]; or ``out`` exists.
        OSError: ``out`` cannot be written.
    """
    check_output(out, (".npy",))

    def check_absent() -> None:
        if out.exists():
            raise InputError(f"{out} already exists; pass another name")

    check_absent()
    palette = read(expanded(source))
    replace(out, lambda file: np.save(file, palette, allow_pickle=False), check_absent)
    return len(palette)


def read(path: Path) -> np.ndarray:
    """The colours of the course's file, ``object (2,) = [array [K, 3], number]``: float32 [K, 3] in [0, 1].

    Raises:
        InputError: the file is missing, or has another layout or values outside [0, 1].
    """
    if not path.is_file():
        fault = "must be a file" if path.exists() else "does not exist"
        raise InputError(f"{path} {fault}{looked_at(path)}; pass the course's .npy file")
    if path.stat().st_size > MOST_BYTES:
        size = path.stat().st_size
        raise InputError(f"{path} must have <= {MOST_BYTES} bytes, got {size}; pass the course's .npy file")
    try:
        palette = _palette(path.read_bytes())
    except UnreadablePickle as error:
        raise InputError(
            f"{path} must be the course's file, a .npy with an object array [array [K, 3], number]: {error}"
        ) from None
    if not ((palette >= 0) & (palette <= 1)).all():
        raise InputError(
            f"{path} must contain values in [0, 1], got {palette.min():g} to {palette.max():g}; pass the course's file"
        )
    return palette


def _palette(content: bytes) -> np.ndarray:
    match arrays(_pickle_in(content)):
        case [np.ndarray() as colours, int() | float() | np.ndarray(shape=())]:
            if colours.ndim == 2 and colours.shape[1] == 3 and len(colours) > 1:
                return colours.astype(np.float32)
            raise UnreadablePickle(f"the array is {colours.dtype} {colours.shape}")
    raise UnreadablePickle("its content has another layout")


def _pickle_in(content: bytes) -> bytes:
    """The pickle after the header of a ``.npy`` file of two objects."""
    file = io.BytesIO(content)
    try:
        with warnings.catch_warnings(action="ignore"):  # numpy warns about Python 2
            version = np.lib.format.read_magic(file)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = header(file)
    except Exception:  # a damaged header can raise almost any exception
        raise UnreadablePickle("it has no header of a .npy file") from None
    if not dtype.hasobject:
        raise UnreadablePickle(f"it is a plain array, {dtype} {shape}; pass it directly as palette=FILE")
    if dtype.kind != "O" or shape != (2,):
        raise UnreadablePickle(f"it is {dtype} {shape}")
    return file.read()
