"""Builds the loggers that ``logger=`` names."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from colourize.config.knobs import value_in
from colourize.errors import InputError, to_install
from colourize.runs.apart import labels
from colourize.training.loggers import mlflow_run, tensorboard, wandb_run
from colourize.training.loggers.background import Background
from colourize.training.loggers.base import Identity
from colourize.training.loggers.csv_files import CsvFiles
from colourize.training.loggers.mlflow_run import MlflowRun
from colourize.training.loggers.wandb_run import WandbRun

Values = dict[str, Any]
BUILDERS: dict[str, Callable[[Path, int, Values, Identity], Any]] = {
    "tensorboard": lambda folder, purge, values, run: tensorboard.logger(folder, purge) or None,
    "csv": lambda folder, purge, values, run: CsvFiles(folder, purge),
    "wandb": lambda folder, purge, values, run: Background(
        "wandb", lambda: WandbRun(folder, values, run), wandb_run.viewer(folder, os.environ.get("WANDB_MODE"))
    ),
    "mlflow": lambda folder, purge, values, run: Background(
        "mlflow", lambda: MlflowRun(folder, values, run), mlflow_run.viewer(folder, values)
    ),
}
"""Each takes the run folder, the first step that is written again, its option, and the run as servers know it."""

EXTRAS = "wandb", "mlflow"
"""Loggers that need a package of their name."""


def loggers(knobs: dict[str, Any], folder: Path, purge: int, key: str) -> list[Logger]:
    """The loggers of a run, in the order of the knob.

    Args:
        knobs: the configuration.
        folder: folder of the run.
        purge: the first step that is written again (``curves.purge_step``).
        key: 32 hex digits that identify the run at servers, also after it was resumed.

    Raises:
        InputError: a logger is unknown, or its package is not installed.
    """
    known = labels(knobs)
    run = Identity(key, known["name"] or folder.name, tuple(known["tags"]))
    built = (_built(name, values or {}, folder, purge, run) for name, values in value_in(knobs, "logger").items())
    return [logger for logger in built if logger is not None]


def _built(name: str, values: Values, folder: Path, purge: int, run: Identity) -> Any:
    if name not in BUILDERS:
        raise InputError(f"logger={name} is unknown; pass one of {', '.join(BUILDERS)}, none")
    if name in EXTRAS and not _is_installed(name):
        raise InputError(f"logger={name} requires {name}: {to_install(name)}; or pass logger=csv")
    return BUILDERS[name](folder, purge, values, run)


def _is_installed(package: str) -> bool:
    """Whether a package can be imported; a plain folder of that name is not a package, such as W&B's ``wandb/``."""
    found = find_spec(package)
    return found is not None and found.origin is not None
