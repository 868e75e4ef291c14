"""``colourize runs``: what lies in the folders of runs, and how it stands."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from colourize import manifest, runfolder
from colourize.errors import InputError

HOMES = Path("outputs"), Path("multirun")


@dataclass(frozen=True)
class Run:
    """One line of the list; losses are validation cross-entropies in nats a pixel, None before the first."""

    folder: str
    state: str
    start: str
    epochs: int
    max_epochs: int | None
    best: float | None
    last: float | None
    overrides: list[str]
    error: str


def found(folders: Sequence[Path]) -> list[Run]:
    """The runs below the folders, at any depth, in the order of their start.

    Raises:
        InputError: a folder that is not there.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; pass one that holds runs, such as outputs")
    homes = folders or [home for home in HOMES if home.is_dir()]
    runs = [_run(file.parent) for folder in homes for file in folder.rglob(manifest.NAME)]
    return sorted(runs, key=lambda run: run.start)


def _run(folder: Path) -> Run:
    said = manifest.read(folder)
    try:
        with (folder / "metrics.csv").open() as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        rows = []
    losses = [float(row["val/loss"]) for row in rows if row.get("val/loss")]
    finite = [loss for loss in losses if math.isfinite(loss)]
    return Run(
        folder=str(folder),
        state=runfolder.state(folder),
        start=said.get("start", ""),
        epochs=len(rows),
        max_epochs=said.get("config", {}).get("max_epochs"),
        best=min(finite, default=None),
        last=losses[-1] if losses else None,
        overrides=said.get("overrides") or [],
        error=said.get("error", ""),
    )


def show(folders: Sequence[Path], as_json: bool = False) -> None:
    """Prints the runs as a table, or as one JSON object a line."""
    runs = found(folders)
    if as_json:
        for run in runs:
            print(json.dumps(asdict(run)))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    table = Table(title=Text(f"{len(runs)} runs"), title_justify="left")
    for column in ("folder", "state", "epochs", "best val/loss", "last", "overrides"):
        table.add_column(column, justify="right" if column in ("epochs", "best val/loss", "last") else "left")
    for run in runs:
        figures = ["" if loss is None else f"{loss:.4f}" for loss in (run.best, run.last)]
        state = f"{run.state}: {run.error}" if run.error else run.state
        epochs = f"{run.epochs}/{run.max_epochs or '?'}"
        table.add_row(*map(Text, (run.folder, state, epochs, *figures, " ".join(run.overrides))))
    console.print(table)
    unfinished = [run.folder for run in runs if run.state in ("killed", "interrupted", "failed")]
    if unfinished:
        console.print(f"go on with: {runfolder.going_on('python train.py', Path(unfinished[-1]))}")
