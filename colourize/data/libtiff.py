"""Silences libtiff, which prints the faults of a damaged TIFF to standard error by itself."""

import contextlib
import ctypes
import ctypes.util
import functools
from pathlib import Path

import PIL


@functools.cache
def silence() -> None:
    """Takes the handlers of errors and warnings from the libtiff that Pillow uses (TIFFError(3tiff)).

    Pillow raises its own exception for most of them. Without effect where the library is linked in another way.
    """
    for name in _libraries():
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            for kind in ("Error", "Warning"):
                getattr(library, f"TIFFSet{kind}Handler")(None)


def _libraries() -> list[str]:
    """The libtiff of Pillow's wheels for Linux and macOS; else that of the system."""
    package = Path(PIL.__file__).parent
    folders = package.parent / "pillow.libs", package / ".dylibs"
    bundled = [str(path) for folder in folders for path in folder.glob("libtiff*")]
    system = ctypes.util.find_library("tiff") if not bundled else None
    return bundled or ([system] if system else [])
