"""Checkpoints: the one writer and the one opener. A file holds tensors and plain values, never code, and rebuilds its
network and palette alone."""

import io
import logging
import os
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from colourize import files
from colourize.colour.spaces import SPACES
from colourize.config import options, stored
from colourize.config.knobs import LATER
from colourize.errors import InputError, one_line
from colourize.runs import pickles
from colourize.tasks.colourization.module import Colourizer

log = logging.getLogger(__name__)
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
    path = files.expanded(path)
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; pass a file such as RUN_FOLDER/checkpoints/{LAST}")
    try:
        contents = torch.load(_checked(path), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # zipfile and torch raise half a dozen kinds for a damaged file
        raise InputError(f"{path} is damaged or no checkpoint ({type(error).__name__}); pass another file") from error
    _check_tensors(path, contents, path.stat().st_size)
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
                if entry.filename.endswith("data.pkl"):
                    _check_pickle(path, data)
                whole.writestr(entry.filename, data)
    copy.seek(0)
    return copy


def _check_pickle(path: Path, data: bytes) -> None:
    try:
        pickles.check(data)
    except ValueError as error:
        raise InputError(f"{path} is damaged or no checkpoint: {error}; pass another file") from error


def _check_tensors(path: Path, contents: Any, most: int) -> None:
    """Raises InputError where a tensor is not plain memory, or all together are larger than the file.

    Weights that are written through strides of zero, or are sparse, would take any size, and a fused optimizer writes
    past their end.
    """
    left, seen, total = [contents], set(), 0
    while left:
        value = left.pop()
        if isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, dict) else value
        elif isinstance(value, Tensor):
            if not _is_plain(value):
                raise InputError(f"{path} holds a tensor that is not plain numbers in memory; pass another file")
            total += value.numel() * value.element_size()
    if total > 2 * most:  # a moving average may share memory with the weights
        raise InputError(f"{path} stands for {total:,} bytes in a file of {most:,}; pass another file")


def _is_plain(tensor: Tensor) -> bool:
    """Whether each element has a place of its own: strides, from the smallest, multiply up as the sizes do."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized or tensor.is_complex():
        return False
    place = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride != place:
                return False
            place *= size
    return True


def newest(folder: Path) -> Path | None:
    """The newest checkpoint of a run that can be read; a damaged one is named and passed over."""
    found = [file for name in (LAST, PREVIOUS, BEST) if (file := folder / name).is_file()]
    found.sort(key=lambda file: (file.name == LAST, file.stat().st_mtime_ns), reverse=True)
    for file in found:
        try:
            read(file)
        except InputError as error:
            log.warning("%s", one_line(error).replace("; pass another file", ""))
        else:
            if file.name != LAST:
                log.warning("%s is the newest checkpoint that is whole", file)
            return file
    if found:
        log.warning("%s holds no checkpoint that is whole", folder)
    return None


def load(path: str | Path, trusted: Collection[str] = ()) -> Colourizer:
    """The trained module of a checkpoint, in evaluation mode, on the CPU.

    Args:
        path: of the checkpoint.
        trusted: packages whose networks and sources it may name beside ours; nothing else is imported for it.

    Raises:
        InputError: as ``read``; a configuration that ``stored.checked`` refuses; weights that do not fit its network.
    """
    contents = read(path)
    config = stored.checked(contents["config"], path, trusted)
    state = contents["state_dict"]
    try:
        network = _network(config["model"], state, trusted)
        palette = _palette(state["palette"], config)
        found = contents.get("fingerprint")
        module = Colourizer(network, palette, config, fingerprint=found if isinstance(found, str) else "")
        module.load_state_dict(state)
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError, ArithmeticError, MemoryError) as error:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path}: its weights and its configuration do not fit ({cause}); pass another file"
        ) from error
    return module.eval()


def _palette(palette: Any, config: dict[str, Any]) -> Tensor:
    """The palette of a checkpoint, float [K, C]; raises ValueError where it is not one of its configuration."""
    space = SPACES[{**LATER, **config}["colour_space"]]
    shape = config["num_colours"], space.channels
    if not isinstance(palette, Tensor) or not palette.is_floating_point() or palette.shape != shape:
        raise ValueError(f"the palette must be floats {list(shape)}")
    if not ((palette >= space.low) & (palette <= space.high)).all():
        raise ValueError(f"{space.rule}, and the palette is not")
    return palette


def _network(node: dict[str, Any], state: dict[str, Tensor], trusted: Collection[str]) -> nn.Module:
    """Builds what a checked node names. Ours are built without memory first: a file of some bytes takes no gigabytes.

    Raises:
        ValueError: the network would have other weights than the file; and whatever its class raises.
    """
    build = options.named("model", node["_target_"], trusted)
    values = {key: value for key, value in node.items() if key != "_target_"}
    if options.is_option("model", node["_target_"]):
        with torch.device("meta"):
            expected = {f"network.{name}": tensor.shape for name, tensor in build(**values).state_dict().items()}
        found = {name: tensor.shape for name, tensor in state.items() if name.startswith("network.")}
        for name in expected | found:
            if expected.get(name) != found.get(name):
                shapes = (f"{tuple(shape)}" if shape is not None else "absent" for shape in
                          (expected.get(name), found.get(name)))  # fmt: skip
                raise ValueError("{} must be {}, got {}".format(name[:80], *shapes))
    network: nn.Module = build(**values)
    return network
