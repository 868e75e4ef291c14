"""``colourize runs``: the runs in folders, with their status."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from colourize.config.compare import key_of
from colourize.errors import InputError
from colourize.present import terminal
from colourize.runs import apart, manifest, queue, resume, run_folder

HOMES = Path("outputs"), Path("multirun")
RESUMABLE = "interrupted", "killed"
"""States of runs that can be resumed; a failed run usually fails again."""
UNFINISHED = "queued", "running", *RESUMABLE
"""States of runs about which Slurm's queue may say more than the folder."""
LINE = "{:11}  {:>7}  {:>8}  {:>8}  {}"  # not a table of rich, which would cut the names of folders


@dataclass(frozen=True)
class Run:
    """One line of the list. Losses are validation cross-entropies in nats per pixel; None before the first.

    ``job`` is the run's Slurm job, and ``queue`` its state in the queue; both may be empty. ``resumable`` is
    false if the run was interrupted in a state from which it cannot be resumed.
    """

    folder: str
    state: str
    start: str
    epochs: int
    max_epochs: int | None
    best: float | None
    last: float | None
    overrides: list[str]
    error: str
    name: str
    tags: list[str]
    debug: str | None
    job: str
    queue: str
    resumable: bool

    @property
    def labels(self) -> list[str]:
        """The run's name, tags and debugging as overrides, without those that it lacks."""
        debug = [f"debug={self.debug}"] * bool(self.debug)
        return debug + [f"name={self.name}"] * bool(self.name) + [f"tags=[{','.join(self.tags)}]"] * bool(self.tags)


def found(folders: Sequence[Path], tag: str = "", ask: bool = True) -> list[Run]:
    """The runs below the folders, at any depth, in the order of their start.

    Args:
        folders: folders to search; with none, ``outputs`` and ``multirun``.
        tag: only runs with this tag; empty: all.
        ask: whether Slurm's queue is asked about runs of Slurm jobs that are not over.

    Raises:
        InputError: a path that is not a folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; pass one with runs, such as outputs")
    homes = folders or [home for home in HOMES if home.is_dir()]
    runs = [_run(file.parent) for folder in homes for file in folder.rglob(manifest.NAME)]
    runs = _in_queue(runs) if ask else runs
    return sorted((run for run in runs if not tag or tag in run.tags), key=lambda run: run.start)


def _in_queue(runs: list[Run]) -> list[Run]:
    """The runs with the state of their jobs in Slurm's queue, which is asked only about runs that are not over."""
    asked = {run.job for run in runs if run.job and run.state in UNFINISHED}
    answers = queue.states(asked)
    return [
        replace(run, state=queue.state(run.state, run.job, answers), queue=(answers or {}).get(run.job, ""))
        if run.job in asked and run.state in UNFINISHED
        else run
        for run in runs
    ]


def _run(folder: Path) -> Run:
    stored = manifest.read(folder)
    config = stored.get("config", {})
    rows = manifest.epochs(folder)
    losses = [row["val/loss"] for row in rows if "val/loss" in row]
    finite = [loss for loss in losses if math.isfinite(loss)]
    return Run(
        folder=str(folder),
        state="pruned" if stored.get("pruned") else run_folder.state(folder),
        start=stored.get("start", stored.get("end", "")),
        epochs=len(rows),
        max_epochs=most if isinstance(most := config.get("max_epochs"), int) else None,
        best=min(finite, default=None),
        last=losses[-1] if losses else None,
        overrides=stored.get("overrides", []),
        error=stored.get("error", ""),
        **apart.labels(config),
        debug=debug if isinstance(debug := config.get("debug"), str) else None,
        job=stored.get("job", ""),
        queue="",
        resumable=stored.get("resumable", True),
    )


def show(folders: Sequence[Path], as_json: bool = False, tag: str = "") -> None:
    """Prints one line per run, or one JSON object per line. Omits overrides that all runs share, but never labels."""
    runs = found(folders, tag)
    if as_json:
        for run in runs:
            print(json.dumps(manifest.finite(asdict(run)), allow_nan=False))
        return
    common = set.intersection(*(set(run.overrides) for run in runs)) if len(runs) > 1 else set()
    print(f"{len(runs)} run{'s' * (len(runs) != 1)}, in the order of their start; val/loss")
    print(LINE.format("state", "epochs", "best", "last", "folder"))
    for run in runs:
        figures = ["" if loss is None else f"{loss:.4f}" for loss in (run.best, run.last)]
        hidden = {"name", "tags", "debug"} if run.labels else set()
        own = (word for word in run.overrides if word not in common and key_of(word) not in hidden)
        words = " ".join([*run.labels, *own])
        cells = run.state, f"{run.epochs}/{run.max_epochs or '?'}", *figures, f"{run.folder}  {words}"
        print(LINE.format(*terminal.cleaned(cells)).rstrip())
        if run.error and run.state != "finished":
            print(f"  {terminal.cleaned(run.error)}")
        if run.queue:
            print(f"  Slurm job {run.job}: {terminal.cleaned(run.queue)}")
    if resumable := [run for run in runs if run.state in RESUMABLE]:
        print(f"resume with: {_command(resumable[-1])}")
    elif failed := [
        run for run in runs if run.resumable and run.state == "failed" and run_folder.has_saved(Path(run.folder))
    ]:
        print(f"a failed run fails again until its cause is removed; then resume with: {_command(failed[-1])}")


def _command(run: Run) -> str:
    folder = Path(run.folder)
    return resume.resume_command("python train.py", folder.parent if resume.sweep_of(folder.parent) else folder)
