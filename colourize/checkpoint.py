"""Checkpoints: the one writer and the one opener. A file holds tensors and plain values, never code, and rebuilds its
network and palette alone."""

import importlib
import io
import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import CheckpointIO
from torch import nn

from colourize import files
from colourize.errors import InputError, told
from colourize.module import Colourizer

log = logging.getLogger(__name__)
NETWORKS = "colourize.models."
LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"


def write(contents: dict[str, Any], path: Path) -> None:
    """Replaces the file as a whole (``files.replace``). A ``last.ckpt`` that is replaced stays as ``previous.ckpt``.

    Raises:
        InputError: no room, or the folder cannot be written; the file before is whole, and nothing partial is left.
    """
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    try:
        files.replace(path, lambda file: file.write(buffer.getbuffer()), lambda: _keep(path))
    except OSError as error:
        size = buffer.getbuffer().nbytes / 1e6
        raise InputError(
            f"{path}: {size:.2f} MB could not be saved ({error.strerror}); what was saved before is whole; make room"
        ) from error


def _keep(path: Path) -> None:
    """Gives a ``last.ckpt`` that is about to be replaced a second name."""
    if path.name != LAST or not path.exists():
        return
    spare = path.with_name(f".{PREVIOUS}.tmp")
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
        os.replace(spare, path.with_name(PREVIOUS))
    except OSError:  # a file system without links
        os.replace(path, path.with_name(PREVIOUS))


def read(path: str | Path) -> dict[str, Any]:
    """The contents of a checkpoint of ours, on the CPU; a pickle that runs code is refused.

    Raises:
        InputError: no such file, a damaged one, or not a checkpoint of colourize.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; pass a file such as RUN_FOLDER/checkpoints/{LAST}")
    try:
        contents = torch.load(_checked(path), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # zipfile and torch raise half a dozen kinds for a damaged file
        raise InputError(f"{path} is damaged or no checkpoint ({type(error).__name__}); pass another file") from error
    if not isinstance(contents, dict) or not {"config", "state_dict"} <= contents.keys():
        raise InputError(f"{path} was not written by colourize: it lacks config or state_dict; pass another file")
    return contents


def _checked(path: Path) -> io.BytesIO:
    """A copy of the archive, with nothing in it but entries of the right size and CRC sum, which torch does not check.

    A copy, because torch finds the entries of a file by other rules than zipfile, and so might load other ones.

    Raises:
        InputError: a damaged file, or one that would unpack into more than it is; before anything is unpacked.
    """
    size = path.stat().st_size
    if not size:
        raise InputError(f"{path} is damaged: it is empty; pass another file")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            start = file.read(4)
        cause = "it is cut short" if start == b"PK\3\4" else f"it begins with {start!r}, which no checkpoint does"
        raise InputError(f"{path} is damaged or no checkpoint: {cause}; pass another file")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        declared = sum(entry.file_size for entry in entries)
        if declared > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise InputError(
                f"{path} declares {declared:,} bytes in a file of {size:,}: it would unpack into more than it is, and "
                "no checkpoint does; pass another file"
            )
        copy = io.BytesIO()
        with zipfile.ZipFile(copy, "w") as whole:
            for entry in entries:
                try:
                    data = archive.read(entry)
                except zipfile.BadZipFile as error:
                    cause = f"the checksum of its entry {entry.filename} is wrong"
                    raise InputError(f"{path} is damaged: {cause}; pass another file") from error
                if b"\nbytearray\n" in data:  # so a pickle names it, and torch would make one of any size
                    raise InputError(f"{path} holds a bytearray, and no checkpoint does; pass another file")
                whole.writestr(entry.filename, data)
    copy.seek(0)
    return copy


def newest(folder: Path) -> Path | None:
    """The newest checkpoint of a run that can be read; a damaged one is named and passed over."""
    found = [file for name in (LAST, PREVIOUS, BEST) if (file := folder / name).is_file()]
    found.sort(key=lambda file: (file.name == LAST, file.stat().st_mtime_ns), reverse=True)
    for file in found:
        try:
            read(file)
        except InputError as error:
            log.warning("%s", told(error).replace("; pass another file", ""))
        else:
            if file.name != LAST:
                log.warning("%s is the newest checkpoint that is whole", file)
            return file
    if found:
        log.warning("%s holds no checkpoint that is whole", folder)
    return None


class CheckpointFiles(CheckpointIO):
    """Lightning's way to ``write`` and ``read``."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        write(checkpoint, Path(path))

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


def load(path: str | Path) -> Colourizer:
    """The trained module of a checkpoint, in evaluation mode, on the CPU.

    Raises:
        InputError: as ``read``; or the network is not one of ours (no other code is run for a file's sake).
    """
    contents = read(path)
    state = contents["state_dict"]
    module = Colourizer(_network(path, contents["config"]["model"]), state["palette"], contents["config"])
    module.load_state_dict(state)
    return module.eval()


def _network(path: str | Path, node: dict[str, Any]) -> nn.Module:
    """Builds what a file names without Hydra, which would also build targets below the node."""
    home, _, name = str(node.get("_target_")).rpartition(".")
    values = [item for value in node.values() for item in (value if isinstance(value, list) else [value])]
    if home.startswith(NETWORKS) and all(isinstance(value, str | int | float | None) for value in values):
        try:
            network = getattr(importlib.import_module(home), name, None)
        except ImportError:
            network = None
        if isinstance(network, type) and issubclass(network, nn.Module) and network.__module__ == home:
            return network(**{key: value for key, value in node.items() if key != "_target_"})
    raise InputError(f"{path} names the network {node}; only those of {NETWORKS[:-1]} are built from a file")
