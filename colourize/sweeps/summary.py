"""The end of a sweep: prints a table of its jobs, and exits non-zero if a job did not finish."""

import json
import math
import os
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from colourize import files
from colourize.config.compare import by_key, telling
from colourize.config.knobs import value_in
from colourize.config.words import MOST_JOBS
from colourize.errors import InputError, one_line
from colourize.present import tables, terminal
from colourize.private.hydra import BASIC
from colourize.runs import manifest, resume, run_folder
from colourize.sweeps import stored_search
from colourize.sweeps.progress import SweepProgress
from colourize.training.distributed import place

PLACE = "hydra.sweep.dir", "hydra.mode"
"""``resume`` adds overrides with these keys."""


class Places(Callback):
    """Refuses a folder with links to other places, before Hydra opens a log in it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        _check_places(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        _check_places(folder, list(folder.glob("*")))


class Summary(Places):
    """Prints the table of jobs after the last one.

    The exit status is 1 if a job did not finish; 138, as for a run, if ``trainer.max_time`` ended all unfinished jobs.
    """

    under_way: ClassVar["Summary | None"] = None
    """The current sweep of this process; the message of an interruption shows it."""

    progress: ClassVar[SweepProgress | None] = None  # on the class, because instances are pickled for job processes

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        super().on_multirun_start(config, **kwargs)
        if config.hydra.launcher.get("n_jobs") == 0:  # Hydra would turn another exception into a warning
            raise SystemExit("colourize: hydra.launcher.n_jobs must not be 0; pass 1 or more, or -1 for one per core")
        if config.hydra.launcher.get("_target_", BASIC) != BASIC and (at := place.given()) is not None:
            raise SystemExit(
                f"colourize: {at.starter} started ranks, which train one job at a time; leave hydra/launcher out"
            )
        self.folder = Path(config.hydra.sweep.dir)
        self.planned = _bounded(config)
        self._remember(config)
        Summary.under_way = self
        if runs_in_parallel(config):
            total = len(self.planned) or config.hydra.sweeper.get("n_trials", 0)
            Summary.progress = SweepProgress(total, self._states)
            Summary.progress.start()

    def _states(self) -> list[str]:
        """The states in the jobs' manifests, without their locks: testing a lock could block a run that starts."""
        words = {tuple(each) for each in self.planned}
        found = [manifest.read(path.parent) for path in self.folder.rglob(manifest.NAME)]
        return [
            stored.get("status", "") for stored in found if not words or tuple(stored.get("overrides") or ()) in words
        ]

    def _remember(self, config: DictConfig) -> None:
        """Stores the overrides of the sweep for ``resume``. A later start that extends the sweep replaces them."""
        words = [*config.hydra.overrides.task, *config.hydra.overrides.hydra]
        before = resume.sweep_of(self.folder).get("overrides", [])
        if not any(self.folder.glob(f"**/{manifest.NAME}")) or self._adds(before, words):
            self.folder.mkdir(parents=True, exist_ok=True)
            stored = {"overrides": words, "cwd": os.getcwd()}
            files.replace_text(self.folder / resume.SWEEP, json.dumps(stored, indent=1) + "\n")

    def _adds(self, before: Sequence[str], words: Sequence[str]) -> bool:
        """Whether a start with other overrides extends the sweep: it includes all jobs in the folder.

        An extended search may differ only in Hydra's own overrides, such as the number of trials.
        """
        old, new = ({key: word for key, word in by_key(each).items() if key not in PLACE} for each in (before, words))
        if old == new:
            return False
        if not self.planned:
            return all(word.startswith(("hydra.", "hydra/")) for _, word in old.items() ^ new.items())
        begun = {telling(manifest.read(file.parent).get("overrides", [])) for file in self.folder.rglob(manifest.NAME)}
        return begun <= set(map(telling, self.planned))

    @staticmethod
    def end_progress() -> None:
        """Stops the sweep's progress bar, if any, and so shows the terminal's cursor again."""
        if Summary.progress is not None:
            Summary.progress.end()
            Summary.progress = None

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        Summary.under_way = None
        self._remember(config)  # again: now the folder contains the jobs by which an extended sweep is recognized
        if states := self.show():
            raise SystemExit(128 + signal.SIGUSR1 if set(states) == {"interrupted"} else 1)

    def show(self) -> list[str]:
        """Prints every job with its state; returns the states of the unfinished jobs."""
        from rich.text import Text

        Summary.end_progress()
        found = terminal.cleaned(jobs(self.folder, self.planned))
        common = set.intersection(*(set(job["overrides"]) for job in found)) if len(found) > 1 else set()
        table = tables.empty(f"{self.folder}: {len(found)} jobs")
        measures = (
            "val/loss",
            "val/AP" if any("val/AP" in each.get("metrics", {}) for each in found) else "val/accuracy",
        )
        for column in ("job", "overrides", "state", *measures):
            table.add_column(column, justify="right" if "/" in column else "left")
        console = terminal.console()
        unfinished = []
        for job in found:
            metrics = job.get("metrics", {})
            figures = [f"{metrics[key]:.4f}" if metrics.get(key) is not None else "" for key in measures]
            swept = " ".join(word for word in job["overrides"] if word not in common)
            state = "pruned" if job.get("pruned") else job["status"]
            table.add_row(*map(Text, (job["name"], swept, state, *figures)))
            if job["status"] != "finished":
                unfinished.append(f"job {job['name']} ({swept}) {job['status']}: {job.get('error', '')}".rstrip(": "))
        console.print(table)
        if best := stored_search.best(self.folder):
            console.print(f"best       {best}")
        if any("tensorboard" in (value_in(job["config"], "logger") or ()) for job in found if "config" in job):
            console.print(f"dashboard  tensorboard --logdir {shlex.quote(str(self.folder))}")
        for line in unfinished:
            console.print(line)
        return [job["status"] for job in found if job["status"] != "finished"]


def _check_places(folder: Path, jobs: Sequence[Path] = ()) -> None:
    """Ends the command if a folder, or the folder of a job in it, has links to other places."""
    home = os.path.realpath(folder)
    try:
        files.check_no_links(job for job in jobs if os.path.commonpath([home, os.path.realpath(job)]) != home)
        for place in (folder, *jobs):
            run_folder.check_places(place)
    except InputError as error:  # Hydra would turn it into a warning
        raise SystemExit(f"colourize: {one_line(error)}") from error


def runs_in_parallel(config: DictConfig) -> bool:
    """Whether a sweep's launcher runs several jobs at once, each in its own process."""
    return num_parallel(config) != 1


def num_parallel(config: DictConfig) -> int:
    """The number of jobs that a launcher runs at once: joblib's processes, or Slurm's jobs."""
    launcher = config.hydra.launcher
    jobs = int(launcher.get("n_jobs", launcher.get("array_parallelism", 1)))
    return jobs if jobs > 0 else os.cpu_count() or 1


def planned(config: DictConfig | dict[str, Any], most: int = 0) -> list[list[str]]:
    """The overrides of every job of a sweep over listed values, in order; empty if the sweep is a search.

    Args:
        config: the configuration, with Hydra's own node.
        most: the largest number of jobs allowed; 0: unlimited. A short override can mean any number of jobs.

    Raises:
        ValueError: more than ``most`` jobs.
    """
    sweeper = config["hydra"]["sweeper"]
    if not sweeper["_target_"].endswith("BasicSweeper"):
        return []
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from colourize.private.hydra import listed_jobs

    words = [f"{key}={value}" for key, value in (sweeper["params"] or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*words, *config["hydra"]["overrides"]["task"]])
    if most and math.prod(map(_count, parsed)) > most:
        raise ValueError(f"more than {most:,} jobs")
    return listed_jobs(parsed)


def _bounded(config: DictConfig) -> list[list[str]]:
    try:
        return planned(config, MOST_JOBS)
    except ValueError as error:  # Hydra would turn it into a warning
        raise SystemExit(f"colourize: a sweep must have at most {MOST_JOBS:,} jobs; pass fewer values") from error


def _count(override: Any) -> int:
    """The number of values of an override, without listing them."""
    value = override.value()
    if hasattr(value, "step"):  # a range
        return math.ceil((value.stop - value.start) / value.step)
    return len(value.list) if override.is_choice_sweep() else 1


def jobs(sweep: Path, planned: list[list[str]]) -> list[dict[str, Any]]:
    """Manifests of a sweep's jobs, each with its ``name`` and current ``status``.

    With a plan: the planned jobs in order, begun or not; a job counts as planned if its overrides have the same
    effect. Without a plan: all jobs in the folder, in the order of their start.
    """
    found = []
    for path in sweep.rglob(manifest.NAME):
        stored = manifest.read(path.parent)
        name = str(path.parent.relative_to(sweep))
        found.append({"overrides": [], **stored, "name": name, "status": run_folder.state(path.parent)})
        if "refused" in stored:
            found.append({**stored["refused"], "name": name})
    if not planned:
        return sorted(found, key=lambda job: job.get("start", ""))
    exact = {tuple(job["overrides"]): job for job in found}
    wanted = set(map(tuple, planned))
    equivalent = {telling(job["overrides"]): job for job in found if tuple(job["overrides"]) not in wanted}
    absent = {"name": "-", "status": "not begun"}
    return [
        exact.get(tuple(words)) or equivalent.get(telling(words)) or {**absent, "overrides": words} for words in planned
    ]
