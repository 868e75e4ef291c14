"""Reads and writes exported weights: network, palette and configuration in one safetensors file, without code.

The tensors are ``palette`` and ``network.*`` of ``Model``, in float32 or float16. The file's metadata has one entry,
``colourize``: JSON with the configuration by names and versions, as in a checkpoint, and other values for the reader.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parsed
from safetensors.torch import save
from torch import Tensor

from colourize import files
from colourize.config import stored
from colourize.errors import InputError, shown
from colourize.model import Model
from colourize.runs import formats

SUFFIX, KEY = ".safetensors", "colourize"
LARGEST_HEADER = 4 << 20  # bytes; ours have some ten thousand
LARGEST = 4 << 30  # bytes of a file
TYPES = "F32", "F16", "I64"
"""Allowed types of numbers, by their names in the file."""


def written(
    model: Model, config: dict[str, Any], fingerprint: str = "", temperature: float = 1.0, half: bool = False
) -> bytes:
    """A model as the bytes of a safetensors file.

    Args:
        model: the model, on any device.
        config: configuration of its run; paths in it are shortened to their last names.
        fingerprint: fingerprint of its training pictures.
        temperature: divisor of the logits.
        half: whether to round the weights, but not the palette, to float16.

    Raises:
        InputError: a weight exceeds the range of float16.
    """
    tensors = {}
    for name, tensor in model.state_dict().items():
        dtype = torch.float16 if half and name != "palette" else torch.float32
        kept = tensor.detach().cpu()
        tensors[name] = (kept.to(dtype) if kept.is_floating_point() else kept).contiguous().clone()
        if half and not bool(tensors[name].isfinite().all()) and bool(kept.isfinite().all()):
            raise InputError(f"{name} contains {kept.abs().max():g}, above float16's limit of 65504; leave --half out")
    note = {**formats.written(stored.to_hand_on(config)), "fingerprint": fingerprint, "temperature": temperature}
    return save(tensors, {KEY: json.dumps(note)})


def read(path: Path) -> dict[str, Any]:
    """Reads a safetensors file of ours in the form of a checkpoint: config, state_dict, temperature.

    Raises:
        InputError: the file does not exist, is damaged, or was not written by colourize. Checked before unpacking.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; pass one that colourize export wrote")
    try:
        with path.open("rb") as file:
            note = _note(file.read(8 + LARGEST_HEADER))
            if (size := os.fstat(file.fileno()).st_size) > LARGEST:
                raise ValueError(f"it must have <= {LARGEST:,} bytes, got {size:,}")
            file.seek(0)
            tensors = parsed(file.read())
    except (SafetensorError, ValueError, TypeError, LookupError, AttributeError, MemoryError) as error:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path} is damaged or not a file of weights ({cause}); pass another file") from error
    if not {"format", "config"} <= note.keys():
        raise InputError(f"{path} was not written by colourize: its metadata lacks config; pass another file")
    config = formats.config(note["config"], note["format"], path)
    state = {f"model.{name}": _float32(tensor) for name, tensor in tensors.items()}
    found = {"config": config, "state_dict": state, "fingerprint": note.get("fingerprint")}
    return {**found, "temperature": _temperature(note.get("temperature", 1.0), path)}


def _note(content: bytes) -> dict[str, Any]:
    """The entry ``colourize`` of a file's metadata, after checks of the header's size and of the types of tensors."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= LARGEST_HEADER:
        raise ValueError(f"its header must have 2 to {LARGEST_HEADER:,} bytes, got {length:,}")
    header = files.json_value(content[8 : 8 + length], "its header")
    metadata = header.pop("__metadata__", {})
    for name, entry in header.items():
        if entry["dtype"] not in TYPES:
            raise ValueError(f"{shown(name)} must be of {', '.join(TYPES)}, got {shown(entry['dtype'], 20)}")
    note = files.json_value(metadata.get(KEY, "{}"), "its metadata")
    return note if isinstance(note, dict) else {}


def _float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _temperature(value: Any, path: Path) -> float:
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"{path}: temperature must be > 0 and finite, got {str(value)[:40]}; pass another file")
    return float(value)
