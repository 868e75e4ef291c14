"""The course's palette file: a pickle of Python 2 inside a ``.npy``, as a plain one. K colours."""

import io
import warnings
from pathlib import Path

import numpy as np

from colourize.colour.numpy_pickle import UnreadablePickle, arrays
from colourize.errors import InputError
from colourize.files import check_output, expanded, looked_at, replace

MOST_BYTES = 1 << 20  # of a file; the course's has about a thousand


def import_palette(source: Path, out: Path) -> int:
    """Writes the colours of the course's file as a plain ``.npy``, float32 [K, 3] in [0, 1]; returns K.

    Raises:
        InputError: no such file, another layout, values outside [0, 1]; or ``out`` is there or cannot be written.
    """
    check_output(out, (".npy",))

    def refuse_another() -> None:
        if out.exists():
            raise InputError(f"{out} is there already; pass another name")

    refuse_another()
    palette = read(expanded(source))
    replace(out, lambda file: np.save(file, palette, allow_pickle=False), refuse_another)
    return len(palette)


def read(path: Path) -> np.ndarray:
    """The colours of the course's file, ``object (2,) = [array [K, 3], number]``: float32 [K, 3] in [0, 1].

    Raises:
        InputError: no such file, another layout, or values outside [0, 1].
    """
    if not path.is_file():
        what = "no file" if path.exists() else "not there"
        raise InputError(f"{path} is {what}{looked_at(path)}; pass the course's .npy file")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path} has {path.stat().st_size} bytes, more than the limit of {MOST_BYTES}")
    try:
        palette = _palette(path.read_bytes())
    except UnreadablePickle as error:
        raise InputError(
            f"{path} is not the course's file, an object array of [array [K, 3], number] in a .npy: {error}"
        ) from None
    if not ((palette >= 0) & (palette <= 1)).all():
        raise InputError(f"{path} holds values from {palette.min():g} to {palette.max():g}; they must lie in [0, 1]")
    return palette


def _palette(content: bytes) -> np.ndarray:
    match arrays(_pickle_in(content)):
        case [np.ndarray() as colours, int() | float() | np.ndarray(shape=())]:
            if colours.ndim == 2 and colours.shape[1] == 3 and len(colours) > 1:
                return colours.astype(np.float32)
            raise UnreadablePickle(f"the array is {colours.dtype} {colours.shape}")
    raise UnreadablePickle("it holds something else")


def _pickle_in(content: bytes) -> bytes:
    """What lies behind the header of a ``.npy`` file of two objects."""
    file = io.BytesIO(content)
    try:
        with warnings.catch_warnings(action="ignore"):  # that Python 2 wrote it
            version = np.lib.format.read_magic(file)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = header(file)
    except Exception:  # a damaged header raises nearly anything
        raise UnreadablePickle("it does not begin as a .npy") from None
    if not dtype.hasobject:
        raise UnreadablePickle(f"it is a plain array, {dtype} {shape}, which palette= takes as it is")
    if dtype.kind != "O" or shape != (2,):
        raise UnreadablePickle(f"it is {dtype} {shape}")
    return file.read()
