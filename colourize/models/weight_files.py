"""Reads a stranger's file of weights. No code in it is run."""

from pathlib import Path
from typing import Any

import torch


def contents(file: Path) -> Any:
    """The contents of a .safetensors file, or of a .pth that torch.load(weights_only=True) reads.

    A damaged file raises nearly any type of exception.
    """
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)
