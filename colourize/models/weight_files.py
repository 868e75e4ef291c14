"""Reads a stranger's file of weights. No code in it is run."""

from pathlib import Path
from typing import Any

import torch


def contents(file: Path) -> Any:
    """What a .safetensors file, or a .pth that torch.load(weights_only=True) reads, contains.

    A damaged file raises nearly any type of exception.
    """
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)
