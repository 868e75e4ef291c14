"""Checks a checkpoint's archive before and after torch reads it: entries, checksums, pickle, tensors."""

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from colourize.errors import InputError
from colourize.runs import pickles


def verified(path: Path) -> io.BytesIO:
    """A copy of the archive, with checked sizes and CRCs of all entries; torch does not check them.

    A copy, because torch finds the entries of a file by other rules than zipfile and could load other entries.

    Raises:
        InputError: the file is damaged, or would unpack to more than its size. This is checked before unpacking.
    """
    size = path.stat().st_size
    if not size:
        raise InputError(f"{path} is damaged: it is empty; pass another file")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            start = file.read(4)
        cause = "it is cut short" if start == b"PK\3\4" else f"it begins with {start!r} instead of a ZIP header"
        raise InputError(f"{path} is damaged or not a checkpoint: {cause}; pass another file")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        declared = sum(entry.file_size for entry in entries)
        if declared > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise InputError(
                f"{path} declares {declared:,} bytes in a file of {size:,}, but a checkpoint is not compressed; pass "
                "another file"
            )
        copy = io.BytesIO()
        with zipfile.ZipFile(copy, "w") as whole:
            for entry in entries:
                try:
                    data = archive.read(entry)
                except zipfile.BadZipFile as error:
                    cause = f"the checksum of its entry {entry.filename} is wrong"
                    raise InputError(f"{path} is damaged: {cause}; pass another file") from error
                if b"\nbytearray\n" in data:  # a pickle with this name could make torch create one of any size
                    raise InputError(f"{path} contains a bytearray, which a checkpoint never does; pass another file")
                if entry.filename.endswith("data.pkl"):
                    _check_pickle(path, data)
                whole.writestr(entry.filename, data)
    copy.seek(0)
    return copy


def _check_pickle(path: Path, data: bytes) -> None:
    try:
        pickles.check(data)
    except ValueError as error:
        raise InputError(f"{path} is damaged or not a checkpoint: {error}; pass another file") from error


def check_tensors(path: Path, contents: Any, most: int) -> None:
    """Raises InputError if a tensor is not plain memory, or if all tensors together exceed the file.

    Weights that are sparse or have a stride of zero could have any size, and a fused optimizer writes past their end.
    """
    left, seen, total = [contents], set(), 0
    while left:
        value = left.pop()
        if isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, dict) else value
        elif isinstance(value, Tensor):
            if not _is_plain(value):
                raise InputError(f"{path} contains a tensor that is not plain numbers in memory; pass another file")
            total += value.numel() * value.element_size()
    if total > 2 * most:  # a moving average may share memory with the weights
        raise InputError(f"{path} has tensors of {total:,} bytes in a file of {most:,}; pass another file")


def _is_plain(tensor: Tensor) -> bool:
    """Whether each element has its own memory: sorted strides are the products of the sizes."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized or tensor.is_complex():
        return False
    place = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride != place:
                return False
            place *= size
    return True
