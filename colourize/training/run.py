"""The life of a run of any task: claim the folder, fit, report. Needs no Hydra runtime."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import Callback

from colourize.config import automatic, checks
from colourize.config.trainer_knobs import typed
from colourize.errors import InputError
from colourize.runs.run_folder import Claim, claim, finished
from colourize.training import torch_state
from colourize.training.distributed import team
from colourize.training.distributed.place import check, given, settled
from colourize.training.distributed.watch import say
from colourize.training.fit import fit
from colourize.training.loggers import curves
from colourize.training.task import Knobs, Task

log = logging.getLogger(__name__)


def train(
    task: Task[Any, Any],
    knobs: Knobs,
    output_dir: str | Path,
    overrides: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Trains a module of a task and writes the run folder: checkpoints, ``metrics.csv``, TensorBoard events, report.

    Resumes an interrupted run in this folder. Does not change a finished run.

    Args:
        task: the task.
        knobs: the resolved configuration, as returned by ``config.compose.plain``.
        output_dir: the run folder; created if missing.
        overrides: overrides of the command line, stored for ``resume``.
        callbacks: additional Lightning callbacks.

    Returns:
        The task's report: the last epoch's row of ``metrics.csv``, and ``best/epoch`` and ``best/val/loss``.

    Raises:
        InputError: a knob, the data, a checkpoint or the run folder cannot be used; a loss is NaN.
    """
    folder = Path(output_dir)
    knobs = settled(knobs, given())
    check(knobs, given())
    with torch_state.own(), claim(folder, knobs, overrides) as held:
        knobs = automatic.known(knobs, held.before.get("config"))
        if (done := finished(folder, held.before, knobs, task.metrics.decides)) is not None:
            held.end()
            return done
        if useless := checks.without_effect(knobs):
            log.warning("%s: no effect with these options; leave out, or choose others", ", ".join(useless))
        try:
            metrics = _reported(task, knobs, folder, held, callbacks)
        except OSError as error:
            if error.filename is not None:
                raise
            cause = error.strerror or error  # errors of TensorBoard's writer do not name a file
            raise InputError(f"{folder} cannot be written ({cause}); earlier files are intact") from error
        pruned = {"pruned": True} if any(getattr(callback, "pruned", False) for callback in callbacks) else {}
        held.end(status="finished", metrics=metrics, **pruned)
        return metrics


def _reported(
    task: Task[Any, Any], knobs: Knobs, folder: Path, held: Claim, callbacks: Sequence[Callback]
) -> dict[str, float]:
    def last_words(text: str) -> None:
        held.end(status="failed", error=text)
        say(text)

    with team.gathered(task.name, knobs, folder, last_words, given()) as place:
        fitted = fit(task, knobs, folder, held, callbacks, place)
    with curves.closed(fitted.trainer):
        if not fitted.table.validated_rows():
            raise InputError(f"{typed(knobs['trainer'])} left no epoch with a validation; leave its limits out")
        return task.report(fitted, folder, {**knobs, **fitted.module.config})
