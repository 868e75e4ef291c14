"""colourize: train, compare, sweep and use image colourization networks."""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colourize.model import Model

__version__ = "0.1.0"
__all__ = ["Model", "__version__", "compose", "epochs", "evaluate", "load", "push", "train"]
LATE = {
    "Model": "colourize.model",
    **dict.fromkeys(("compose", "epochs", "evaluate", "push", "train"), "colourize.cli.api"),
}
"""Modules of the names that are imported on first use."""


def load(path: str | os.PathLike[str] = "shipped") -> "Model":
    """The trained model of a file, in evaluation mode, on the CPU. It needs only the file.

    Args:
        path: a run folder (its best checkpoint), a checkpoint, weights from ``colourize export`` (.safetensors),
            shipped (the network that comes with colourize), or ``hf://USER/NAME`` (the Hugging Face Hub; also with
            ``@REVISION``).

    Raises:
        InputError: the file does not exist, is damaged, or was not written by colourize.

    >>> import colourize
    >>> model = colourize.load()
    >>> model.space.name, model.about.size
    ('lab', 128)
    """
    from colourize import files
    from colourize.runs import checkpoint, hub, shipped, trained

    return trained.load(checkpoint.of_run(files.expanded(hub.named(shipped.named(os.fspath(path)))))).model


def __getattr__(name: str) -> Any:
    """A name of ``LATE``, imported on first use: the command line answers --help without torch (PEP 562)."""
    if name not in LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(LATE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *LATE})
