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
    losses = [_number(row["val/loss"]) for row in rows if row.get("val/loss")]
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


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def show(folders: Sequence[Path], as_json: bool = False) -> None:
    """Prints the runs as a table, or as one JSON object a line."""
    runs = found(folders)
    if as_json:
        for run in runs:
            print(json.dumps(asdict(run)))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    common = set.intersection(*(set(run.overrides) for run in runs)) if len(runs) > 1 else set()
    table = Table(
        title=Text(f"{len(runs)} run{'s' * (len(runs) != 1)}, in the order of their start"), title_justify="left"
    )
    table.add_column(
        "folder", no_wrap=True, overflow="ignore", min_width=max((len(run.folder) for run in runs), default=0)
    )
    for column in ("state", "epochs", "best", "last"):
        table.add_column(column, justify="left" if column == "state" else "right")
    table.add_column("overrides", overflow="fold")
    for run in runs:
        figures = ["" if loss is None else f"{loss:.4f}" for loss in (run.best, run.last)]
        words = " ".join(word for word in run.overrides if word not in common)
        table.add_row(*map(Text, (run.folder, run.state, f"{run.epochs}/{run.max_epochs or '?'}", *figures, words)))
    console.print(table)
    unfinished = [run for run in runs if run.state not in ("running", "finished")]
    for run in unfinished:
        if run.error:
            console.print(f"{run.folder}: {run.error}")
    if unfinished:
        folder = Path(unfinished[-1].folder)
        place = folder.parent if runfolder.sweep_of(folder.parent) else folder
        console.print(f"go on with: {runfolder.going_on('python train.py', place)}")
