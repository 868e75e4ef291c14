"""One job of Hydra: a single run, or one run of a sweep. A failed job does not stop a sweep."""

import contextlib
import logging
import shlex
import sys
import traceback
from pathlib import Path
from typing import Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from colourize import imports
from colourize.cli import hydra_errors, signals
from colourize.config import automatic, options
from colourize.config.compare import as_begun
from colourize.config.compose import given, plain
from colourize.config.knobs import value_in
from colourize.data.shards.store import to_type
from colourize.errors import Interrupted, OutOfTime, one_line
from colourize.present import terminal
from colourize.runs import manifest, resume, run_folder
from colourize.sweeps import search, stored_search
from colourize.training.distributed.place import given as given_place
from colourize.training.distributed.place import settled
from colourize.training.metrics import LOSSES

log = logging.getLogger(__name__)
DECIDES = LOSSES.decides
LIBRARIES = "numpy", "torch", "torchvision", "pytorch_lightning"  # those of every run that take longest to import


def run(cfg: DictConfig, job: Any) -> float:
    """Trains one job in its folder; returns its last validation loss, or nan if it failed within a sweep.

    Args:
        cfg: the job's configuration.
        job: Hydra's own configuration, ``HydraConfig.get()``.
    """
    folder, overrides = Path(job.runtime.output_dir), list(job.overrides.task)
    logging.getLogger("torch").setLevel(logging.WARNING)
    terminal.guard()  # a process of a sweep's launcher starts here
    terminal.guard_log_files()
    try:
        return _run(cfg, job, folder, overrides)
    except SystemExit as error:
        if isinstance(error, OutOfTime) and job.mode is RunMode.MULTIRUN:  # only the job's time is over
            log.warning("job %s: %s%s", job.job.num, one_line(error), error.place)
            return float("nan")
        if "config" not in manifest.read(folder):
            manifest.update(folder, status="interrupted", error=one_line(error))
        if job.mode is not RunMode.MULTIRUN:
            print_how_to_resume(error, folder)
            if isinstance(error, Interrupted):
                error.is_printed = True
        raise
    except Exception as error:
        return _failed(error, job, folder, overrides)


def _run(cfg: DictConfig, job: Any, folder: Path, overrides: list[str]) -> float:
    _keep_words(folder, cfg, job)
    run_folder.announce(folder, overrides, job.overrides.hydra)
    stored = manifest.read(folder)
    typed: Any = OmegaConf.to_container(cfg)  # some values may be missing
    if options.names_own_code(typed):
        options.make_importable()
    composed = settled(plain(cfg), given_place())
    knobs = as_begun(composed, stored.get("config"), overrides)
    if knobs["batch_size"] != composed["batch_size"]:  # on other ranks than before
        overrides = [*overrides, f"batch_size={knobs['batch_size']}"]
    if run_folder.has_saved(folder) and (before := stored.get("overrides")) is not None:  # None: run.json is damaged
        automatic.check_asked(overrides, before, str(folder))
    resumed = automatic.known(knobs, stored.get("config"))
    if (metrics := run_folder.finished(folder, stored, resumed, DECIDES)) is not None:
        labels = {name: knobs[name] for name in ("name", "tags")}
        config = {**before, **labels} if (before := stored.get("config")) else None
        manifest.update(folder, overrides=overrides, config=config)  # the same knobs, perhaps written differently
        print(f"colourize: {folder} is finished: nothing to do{_rest(folder, stored.get('config', {}), knobs)}")
        return metrics[DECIDES]
    return _trained(knobs, folder, overrides, job)


def _failed(error: Exception, job: Any, folder: Path, overrides: list[str]) -> float:
    """Writes a failure to the run folder. Ends the command, or within a sweep only the job."""
    line = hydra_errors.text_of(error)
    sweeps = job.mode is RunMode.MULTIRUN
    if not isinstance(error, run_folder.FolderInUseError) and (sweeps or "config" not in manifest.read(folder)):
        with contextlib.suppress(OSError):  # the first error is the one to report
            manifest.note_failure(folder, overrides, line)
    if not sweeps:
        if isinstance(error, hydra_errors.OF_THE_USER):
            sys.exit(f"colourize: {line}")  # raised through Hydra, it would be printed twice
        raise error
    if not isinstance(error, hydra_errors.OF_THE_USER):
        log.error("%s", "".join(traceback.format_exception(error)))
    log.error("job %s failed: %s", job.job.num, line)
    return float("nan")


def _rest(folder: Path, before: dict[str, Any], knobs: dict[str, Any]) -> str:
    """The command for measures that a finished run lacks; empty if it has all requested ones."""
    lacks = knobs["measures"] == "all" and value_in(before, "measures") == "quick"
    return (
        f"; colourize evaluate {shlex.join([str(folder), *to_type(knobs['data'])])} measures the rest" if lacks else ""
    )


def _trained(knobs: dict[str, Any], folder: Path, overrides: list[str], job: Any) -> float:
    """Trains; as a trial if the job belongs to a search."""
    with imports.quick("pytorch_lightning"):
        signals.import_in_turn(LIBRARIES)
        from colourize.tasks.chosen import task, train

        task(knobs)

    if job.sweeper._target_ != search.TARGET or job.mode is not RunMode.MULTIRUN:
        return train(knobs, folder, overrides)[DECIDES]
    from colourize.sweeps.pruning import Pruning

    sweeper = job.sweeper
    found = stored_search.open_search(Path(job.sweep.dir), sweeper.random_trials, sweeper.prune_after, make=False)
    return train(knobs, folder, overrides, [Pruning(found, job.job.num)])[DECIDES]


def _keep_words(folder: Path, cfg: DictConfig, job: Any) -> None:
    """Writes ``.hydra/`` as Hydra does, but only once: a refused start must not replace the files of the run."""
    home = folder / ".hydra"
    if not home.exists():
        home.mkdir(parents=True)
        OmegaConf.save(OmegaConf.create({"hydra": job}), home / "hydra.yaml")
        OmegaConf.save(job.overrides.task, home / "overrides.yaml")
        OmegaConf.save(OmegaConf.create(given(cfg)), home / "config.yaml")


def print_how_to_resume(error: BaseException, folder: Path) -> None:
    """Prints the reason why the run or the sweep ended, and the command that resumes it."""
    if getattr(error, "obstacle", ""):
        print(f"colourize: {one_line(error)}; start a new run", file=sys.stderr)
        return
    program = "python train.py" if Path(sys.argv[0]).name == "train.py" else "colourize train"
    place = getattr(error, "place", "")
    print(
        f"colourize: {one_line(error)}{place}; resume with: {resume.resume_command(program, folder, own=True)}",
        file=sys.stderr,
    )
