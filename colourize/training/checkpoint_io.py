"""Lets Lightning write and read checkpoints through ``runs.checkpoint``."""

from pathlib import Path
from typing import Any

from lightning_fabric.plugins import CheckpointIO

from colourize.runs.checkpoint import read, write


class CheckpointFiles(CheckpointIO):
    """Lightning's interface to ``write`` and ``read``.

    Attributes:
        contents: the next ``load_checkpoint`` returns this, once, so that the file is not read twice.
    """

    def __init__(self) -> None:
        self.contents: dict[str, Any] | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        write(checkpoint, Path(path))

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        contents, self.contents = self.contents, None
        return read(path) if contents is None else contents

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)
