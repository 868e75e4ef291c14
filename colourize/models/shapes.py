"""Networks that have shapes but no values, and take no memory."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _AsItIs(TorchFunctionMode):
    """Lets ``torch.nn.init`` do nothing. On the meta device its functions would import torch's compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def only() -> Iterator[None]:
    """Networks that are built in the ``with`` block are on the meta device."""
    with torch.device("meta"), _AsItIs():
        yield
