"""The file of an exported OpenVINO network: an uncompressed zip of model.xml, model.bin and card.json.

OpenVINO's own tools read the first two after ``unzip``.
"""

import contextlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from colourize import files
from colourize.errors import InputError, one_line, to_install

SUFFIX = ".openvino"
GRAPH, WEIGHTS, CARD = "model.xml", "model.bin", "card.json"
LARGEST = 4 << 30  # bytes


class Parts(NamedTuple):
    """The contents of the three entries."""

    graph: bytes
    weights: bytes
    card: bytes


def joined(parts: Parts) -> bytes:
    """The file of the parts. Equal parts give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in zip((GRAPH, WEIGHTS, CARD), parts, strict=True):
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def parts(path: Path) -> Parts:
    """The parts of a file. It may come from a stranger, so compressed entries, which may grow, are refused.

    Raises:
        InputError: the file does not exist or is of another kind.
    """
    try:
        content = files.read_bytes(path, LARGEST)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if sorted(entries) != sorted((GRAPH, WEIGHTS, CARD)) or len(archive.infolist()) != 3:
                raise ValueError(f"it must contain {GRAPH}, {WEIGHTS} and {CARD}")
            if any(entry.compress_type or entry.file_size > len(content) for entry in entries.values()):
                raise ValueError("its entries must not be compressed")
            return Parts(*(archive.read(entries[name]) for name in (GRAPH, WEIGHTS, CARD)))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; pass one that colourize export wrote") from error
    except (ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        cause = one_line(error)
        raise InputError(f"{path} is damaged or not from colourize export: {cause}; pass another file") from error


def library(what: str) -> Any:
    """Imports ``openvino``; the message of the error begins with ``what``, which requires it.

    Raises:
        InputError: it is not installed.
    """
    try:
        # absl, which openvino imports, closes the standard error that it finds here when Hydra configures logging
        # again; it never closes sys.__stderr__
        with contextlib.redirect_stderr(sys.__stderr__):
            import openvino
    except ImportError as error:
        raise InputError(f"{what} requires OpenVINO; install it by {to_install('openvino')}") from error
    return openvino
