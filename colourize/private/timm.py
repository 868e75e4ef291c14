"""Imports timm without two dependencies that it hardly uses: torch's compiler and Weights & Biases.

torchvision asks for a function that tells whether a device can compile, and timm marks one function as not to be
compiled. The compiler takes longer to import than all the rest of ``colourize photo``. Weights & Biases, where it is
installed, leaves folders in ``$TMPDIR`` if the process is killed; timm only writes to it in its own training.
"""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch

USED = ("torch._dynamo.disable", "torch._dynamo.utils.is_compile_supported")
COMPILER, UTILS, LOGGER = "torch._dynamo", "torch._dynamo.utils", "wandb"


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """Imports in the ``with`` block leave out both dependencies, unless they are imported already."""
    stand_ins: dict[str, Any] = {} if LOGGER in sys.modules else {LOGGER: None}  # None: an ImportError
    if COMPILER not in sys.modules:
        stand_ins |= {COMPILER: ModuleType(COMPILER), UTILS: ModuleType(UTILS)}
        vars(stand_ins[COMPILER]).update(disable=_as_it_is, utils=stand_ins[UTILS])
        vars(stand_ins[UTILS]).update(is_compile_supported=_asked_later)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)
        if COMPILER in stand_ins and vars(torch).get("_dynamo") is stand_ins[COMPILER]:
            del torch._dynamo


def _as_it_is(function: Any = None, *given: Any, **named: Any) -> Any:
    return _as_it_is if function is None else function


def _asked_later(device: str) -> bool:
    from torch._dynamo.utils import is_compile_supported

    return bool(is_compile_supported(device))


with left_out():
    import timm

__all__ = ["timm"]
