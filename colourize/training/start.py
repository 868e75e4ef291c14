"""Where training starts: at a checkpoint, or from the seed."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colourize import files
from colourize.runs.checkpoint import newest, read

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """The checkpoint from which training starts, with its contents, so that the file is read once.

    ``forked``: whether the run continues in a new folder.
    """

    path: Path
    contents: dict[str, Any]
    forked: bool


def found(folder: Path, ckpt_path: str | None, again: bool) -> Start | None:
    """The newest checkpoint in a run folder, otherwise ``ckpt_path``; None: training starts from the seed.

    Args:
        folder: folder of the run.
        ckpt_path: a checkpoint from which a new run starts, if any.
        again: whether the run was started before; then missing checkpoints are logged.

    Raises:
        InputError: ``ckpt_path`` cannot be used.
    """
    if (own := newest(folder / "checkpoints")) is not None:
        return Start(*own, forked=False)
    if again:
        log.warning("%s: no checkpoint to resume from, the run starts from the beginning", folder)
    if ckpt_path is None:
        return None
    path = files.expanded(ckpt_path)
    return Start(path, read(path), forked=True)
