"""The commands as functions for Python and notebooks. ``colourize.NAME`` imports them on first use."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colourize import files
from colourize.cli import hydra_errors
from colourize.config import choices, trainer_knobs
from colourize.config.compose import composed, plain
from colourize.errors import InputError
from colourize.runs import manifest

COUNTS = "epoch", "step"  # columns of whole numbers
Place = str | os.PathLike[str]


def compose(*overrides: str) -> dict[str, Any]:
    """The knobs, as ``python train.py`` composes them: plain values, checked, with all references resolved.

    Raises:
        InputError: an override names no knob, or its value does not fit.

    >>> import colourize
    >>> knobs = colourize.compose("data=scenes", "model=unet", "kernel=5")
    >>> knobs["kernel"], knobs["model"]["kernel"], knobs["lr"]
    (5, 5, 0.001)
    """
    given = choices.normalised(overrides)
    words = trainer_knobs.normalised(given, given)
    try:
        return plain(composed("config", words))
    except hydra_errors.OF_HYDRA as error:
        raise InputError(hydra_errors.with_cause(error)) from error


def train(folder: Place, *overrides: str) -> dict[str, float]:
    """Trains one network; the same as ``python train.py OVERRIDES hydra.run.dir=FOLDER``.

    An interrupted run in the folder is resumed. A finished one is not trained again.

    Args:
        folder: of the run: checkpoints, ``metrics.csv``, pictures.
        overrides: as on the command line: "data=scenes", "max_epochs=3".

    Returns:
        The last epoch's row of ``metrics.csv``, ``best/epoch`` and ``best/val/loss``; losses in nats per pixel.

    Raises:
        InputError: as ``compose``; or the data, a checkpoint or the folder cannot be used.
    """
    knobs = compose(*overrides)
    from colourize.tasks import chosen  # late: imports Lightning

    return chosen.train(knobs, Path(folder), list(overrides))


def epochs(folder: Place) -> list[dict[str, float]]:
    """The rows of a run's ``metrics.csv``, for ``pandas.DataFrame``; empty before the first epoch.

    Raises:
        InputError: the folder is not that of a run.
    """
    path = files.expanded(os.fspath(folder))
    if not any((path / name).exists() for name in (manifest.NAME, manifest.EPOCHS)):
        raise InputError(f"{path} must be a run folder, with {manifest.NAME}; colourize runs lists them")
    rows = manifest.epochs(path)
    return [{name: int(value) if name in COUNTS and value == value // 1 else value for name, value in row.items()}
            for row in rows]  # fmt: skip


def evaluate(*runs: Place, overrides: Sequence[str] = (), trust: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Measures floors, runs and ceilings as ``colourize evaluate`` does, and prints the same tables.

    Args:
        runs: run folders, checkpoints, names of floors.
        overrides: other pictures: "data.root=DIR".
        trust: packages with networks and sources that a checkpoint may also name.

    Returns:
        A row for each predictor, for ``pandas.DataFrame``: its name, its kind, its measures, and for each measure M the
        ends of its 95 % interval, "M low" and "M high".

    Raises:
        InputError: an argument is not a run, or pictures cannot be read.
    """
    from colourize.evaluation import comparison  # late: imports torch

    rows = comparison.evaluate([os.fspath(run) for run in runs], overrides, trusted=trust)
    return [{"name": row.name, "kind": row.kind, **_with_ends(row.intervals)} for row in rows]


def _with_ends(intervals: dict[str, Any]) -> dict[str, float]:
    ends = ("", " low", " high")
    return {f"{name}{end}": value for name, three in intervals.items() for end, value in zip(ends, three, strict=True)}


def push(
    run: Place, repo: str, *, private: bool = False, licence: str = "", overrides: Sequence[str] = (),
    trust: Sequence[str] = (),
) -> str:  # fmt: skip
    """Writes a network to the Hugging Face Hub, as ``colourize push`` does; returns its address.

    Args:
        run: a run folder, a checkpoint, or shipped.
        repo: USER/NAME.
        private: whether only you can see it, if it is created.
        licence: of the weights, for the model card.
        overrides: other pictures for the check: "data.root=DIR".
        trust: packages with networks and sources that the checkpoint may also name.

    Raises:
        InputError: the run cannot be exported, or the hub cannot be reached or refuses.
    """
    from colourize.cli import push as command

    given = {"run_": os.fspath(run), "repo": repo, "private": private, "licence": licence}
    rest = {"overrides": list(overrides), "trust": list(trust), "evaluation": None}
    return command.push(argparse.Namespace(**given, **rest))
