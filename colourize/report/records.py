"""Reads the contents of run folders: a record for each job, started or not."""

import logging
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colourize import files
from colourize.config.compare import by_key
from colourize.config.instantiate import short_name
from colourize.config.plain_yaml import read_yaml
from colourize.config.tasks import DETECTION
from colourize.config.words import MOST_JOBS
from colourize.errors import InputError
from colourize.present.terminal import cleaned
from colourize.runs import manifest, resume, run_folder
from colourize.runs.whole import is_finite, is_whole
from colourize.sweeps.summary import jobs, planned

log = logging.getLogger(__name__)
OF_PICTURES = "psnr", "ssim", "ciede2000", "colourfulness"


@dataclass(frozen=True)
class Record:
    """A job: its overrides, its state, its measures. Losses are in nats per pixel, accuracies are shares.

    Attributes:
        epochs: rows of ``metrics.csv``.
        rows: estimates of ``evaluation.json``, {row: {measure: value}}, in its order: floors, the network, ceilings.
        finals: final measures of a finished run, from ``run.json`` and ``evaluation.json``, and its median speed.
        lacks: names of missing files and measures.
    """

    name: str
    folder: Path
    state: str
    overrides: tuple[str, ...]
    error: str = ""
    start: str = ""
    host: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    epochs: tuple[dict[str, float], ...] = ()
    rows: dict[str, dict[str, float]] = field(default_factory=dict)
    finals: dict[str, float] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        """The run's seed; 0 without a configuration."""
        return int(self.config.get("seed", 0))

    @property
    def model(self) -> str:
        """Short name of the network's class; empty without a configuration."""
        return short_name(self.config.get("model"))


def read(folders: Sequence[Path]) -> list[Record]:
    """The jobs of run folders and sweep folders at any depth, each once, sorted by folder.

    Raises:
        InputError: a folder does not exist, or contains no run.
    """
    found: dict[Path, list[Record]] = {}
    for folder in sorted(folders):
        if not folder.is_dir():
            raise InputError(
                f"{folder} must be a folder; pass the folder of a sweep or a run (colourize runs lists them)"
            )
        places = [file.parent for file in folder.rglob(manifest.NAME)]
        if not places and not any(folder.rglob(resume.SWEEP)):
            raise InputError(
                f"{folder} must contain a run; pass the folder of a sweep or a run (colourize runs lists them)"
            )
        for place in places:
            found.setdefault(place.resolve(), list(_of_folder(place)))
        for sweep in (file.parent for file in folder.rglob(resume.SWEEP)):
            found.setdefault(sweep.resolve() / resume.SWEEP, list(_not_begun(sweep)))
    return sorted((record for records in found.values() for record in records), key=_order)


def _order(record: Record) -> tuple[Any, ...]:
    return str(record.folder.parent), len(record.folder.name), record.folder.name, record.overrides


def _of_folder(folder: Path) -> Iterator[Record]:
    stored = cleaned(manifest.read(folder))
    words, name = tuple(stored.get("overrides", ())), folder.name
    config, lacks = stored.get("config", {}), []
    if config and not is_whole(config):
        lacks.append(f"{manifest.NAME} has an incomplete configuration")
        config = {}
    state = "pruned" if stored.get("pruned") else run_folder.state(folder)
    epochs, rows = _epochs(folder), _rows(folder / "evaluation.json")
    finals: dict[str, float] = {}
    if state == "finished":
        finals = _finals(stored.get("metrics", {}), epochs, rows.get(short_name(config.get("model")), {}))
        boxes = config.get("task") == DETECTION
        own = {"detection.json": (folder / "detection.json").is_file()} if boxes else {"evaluation.json": rows}
        lacks += [file for file, there in {manifest.EPOCHS: epochs, **own}.items() if not there]
        lacks += [] if "val/loss" in finals else ["a validation loss"]
    yield Record(
        name=name, folder=folder, state=state, overrides=words, error=stored.get("error", ""),
        start=stored.get("start", ""), host=stored.get("host", ""), config=config,
        environment=stored.get("environment", {}), fingerprint=stored.get("fingerprint", ""),
        epochs=tuple(epochs), rows=rows, finals=finals, lacks=tuple(lacks),
    )  # fmt: skip
    if "refused" in stored:
        other = stored["refused"]
        yield Record(name, folder, other["status"], tuple(other["overrides"]), other["error"])


def _not_begun(sweep: Path) -> Iterator[Record]:
    try:
        words = planned(read_yaml(sweep / "multirun.yaml"), MOST_JOBS)
    except FileNotFoundError:
        return
    except Exception as error:  # Hydra raises many kinds on a truncated file
        log.warning("%s cannot be read (%s); jobs that have not begun are left out", sweep / "multirun.yaml", error)
        return
    for job in jobs(sweep, words) if words else []:
        if job["status"] == "not begun":
            yield Record("-", sweep / "-", "not begun", tuple(cleaned(job["overrides"])))


def _finals(metrics: dict[str, Any], epochs: Sequence[dict[str, float]], own: dict[str, float]) -> dict[str, float]:
    finals = {name: float(value) for name, value in metrics.items() if value is not None}
    if speeds := [row["images_per_second"] for row in epochs if "images_per_second" in row]:
        finals["images_per_second"] = statistics.median(speeds)
    finals |= {name: own[name] for name in OF_PICTURES if name in own}
    return _finite(finals)


def _finite(measures: dict[str, float]) -> dict[str, float]:
    """The measures without values that are not finite, or too large to be summed."""
    return {name: value for name, value in measures.items() if is_finite(value)}


def _epochs(folder: Path) -> list[dict[str, float]]:
    """Rows of ``metrics.csv``, without cells other than finite numbers."""
    return [_finite(row) for row in manifest.epochs(folder)]


def _rows(path: Path) -> dict[str, dict[str, float]]:
    try:
        contents = cleaned(files.read_json(path))
        rows = {
            row: {key: float(value[0]) for key, value in measures.items() if value[0] is not None}
            for row, measures in contents.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return {}
    return {row: _finite(measures) for row, measures in rows.items()}


def experiment(records: Sequence[Record]) -> str:
    """The experiment that the overrides of all jobs choose; empty if none, or several."""
    chosen = {by_key(record.overrides).get("experiment", "").partition("=")[2] for record in records}
    return chosen.pop() if len(chosen) == 1 else ""
