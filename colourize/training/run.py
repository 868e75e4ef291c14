"""The life of a run of any task: claim the folder, fit, report. Needs no Hydra runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import Callback

from colourize.errors import InputError
from colourize.runs.run_folder import Claim, claim, finished
from colourize.training.fit import fit
from colourize.training.task import Knobs, Task


def train(
    task: Task[Any, Any],
    knobs: Knobs,
    output_dir: str | Path,
    overrides: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Trains one module of a task and writes the run folder: checkpoints, ``metrics.csv``, TensorBoard events, report.

    An interrupted run in this folder is resumed; a finished one is not changed.

    Args:
        task: the task.
        knobs: the resolved configuration, as ``config.knobs.plain`` gives it.
        output_dir: the run folder; created if missing.
        overrides: of the command line that gave the configuration, for ``resume``.
        callbacks: more of Lightning's callbacks.

    Returns:
        What the task reports: the last epoch's row of ``metrics.csv``, and ``best/epoch`` and ``best/val/loss``.

    Raises:
        InputError: a knob, the data, a checkpoint or the run folder cannot be used; a loss is NaN.
    """
    folder = Path(output_dir)
    with claim(folder, knobs, overrides) as held:
        if (done := finished(folder, held.before, knobs, task.metrics.decides)) is not None:
            held.end()
            return done
        try:
            metrics = _reported(task, knobs, folder, held, callbacks)
        except OSError as error:
            if error.filename is not None:
                raise
            cause = error.strerror or error  # TensorBoard's writer names no file
            raise InputError(f"{folder} cannot be written ({cause}); what was saved before is whole") from error
        pruned = {"pruned": True} if any(getattr(callback, "pruned", False) for callback in callbacks) else {}
        held.end(status="finished", metrics=metrics, **pruned)
        return metrics


def _reported(
    task: Task[Any, Any], knobs: Knobs, folder: Path, held: Claim, callbacks: Sequence[Callback]
) -> dict[str, float]:
    fitted = fit(task, knobs, folder, held, callbacks)
    if not fitted.table.validated_rows():
        raise InputError(f"trainer={knobs['trainer']} left no epoch with a validation; leave its limits out")
    return task.report(fitted, folder, knobs)
