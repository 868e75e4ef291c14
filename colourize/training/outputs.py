"""The outputs of a run besides the results of its task: files, and the viewers of its loggers."""

from pathlib import Path

import pytorch_lightning as pl

from colourize.training import range_test
from colourize.training.loggers import curves


def outputs(trainer: pl.Trainer, folder: Path) -> list[tuple[str, str]]:
    """The outputs of a run: a word for each, with a file, a command or an address."""
    found = [(name, str(file)) for name, pattern in (("lr=auto", range_test.PICTURE), ("profile", "fit-profile*"))
             for file in sorted(folder.glob(pattern))]  # fmt: skip
    return found + curves.viewers(trainer)
