"""Hydra's launcher on Slurm: the jobs of a sweep are one job array. Heavy libraries are imported late, because Hydra
imports its plugins at every TAB."""

import contextlib
import logging
import math
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from colourize.cli import signals
from colourize.errors import InputError, Interrupted, one_line, shown, to_install
from colourize.runs import manifest, queue, run_folder
from colourize.training.metrics import LOSSES

log = logging.getLogger(__name__)
LOOK = 1.0  # seconds between two looks at the results
ASK = 30.0  # seconds between two questions to the queue
GONE = 90.0  # seconds without an entry in the queue, and without a result, after which a job has ended
COMMON = "name", "timeout_min", "nodes", "tasks_per_node", "cpus_per_task", "gpus_per_node", "mem_gb"
"""Parameters that submitit has for any cluster; those of Slurm have the prefix ``slurm_``."""


class Slurm(Launcher):
    """Submits the jobs of a sweep, and waits for them.

    Arguments: ``conf/hydra/launcher/submitit_slurm.yaml``.
    """

    def __init__(self, **settings: Any) -> None:
        plain = {
            key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            for key, value in settings.items()
        }
        self.settings = {key: value for key, value in plain.items() if value is not None}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        """Runs each list of overrides as a job of Slurm, on all of its ranks; returns when all have ended.

        Raises:
            InputError: submitit is missing, there is no Slurm, or Slurm refuses the jobs.
        """
        numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
        words = [list(each) for each in job_overrides]
        configs = [self._config_of(*each) for each in zip(words, numbers, strict=True)]
        jobs = self._submitted(words, numbers)
        for job, config in zip(jobs, configs, strict=True):
            own, hydra = config.hydra.overrides.task, config.hydra.overrides.hydra
            run_folder.enqueue(_folder(config), list(own), list(hydra), job.job_id)
            log.info("job %s is Slurm's %s: %s", config.hydra.job.num, job.job_id, " ".join(filter_overrides(own)))
        try:
            _await(jobs)
        except BaseException:
            ids = " ".join(dict.fromkeys(job.job_id.partition("_")[0] for job in jobs))
            log.warning("the jobs stay in Slurm's queue; to end them: scancel %s", ids)
            raise
        return [_returned(config) for config in configs]

    def _config_of(self, words: list[str], number: int) -> DictConfig:
        """The configuration of a job, with its folder."""
        found: Any = self.hydra_context.config_loader.load_sweep_config(self.config, words)
        with open_dict(found):
            found.hydra.job.id, found.hydra.job.num = queue.own_job() or str(number), number
            found.hydra.runtime.output_dir = os.path.abspath(Path(found.hydra.sweep.dir) / found.hydra.sweep.subdir)
        return found

    def _submitted(self, words: list[list[str]], numbers: Sequence[int]) -> list[Any]:
        submitit = load()
        from colourize.training.distributed import team

        os.environ.update(team.environment())  # the jobs inherit it
        # a new folder: submitit runs the pickles in it
        home = Path(self.config.hydra.sweep.dir).absolute() / ".submitit" / f"{time.time():.0f}-{secrets.token_hex(4)}"
        home.mkdir(parents=True)
        most = self.settings.get("max_num_timeout", 0)
        named = {key: value for key, value in self.settings.items() if key != "max_num_timeout"}
        try:
            executor = submitit.AutoExecutor(folder=home / "%j", cluster="slurm", slurm_max_num_timeout=most)
            executor.update_parameters(
                **{key if key in COMMON else f"slurm_{key}": value for key, value in named.items()}
            )
            return list(executor.map_array(self, words, numbers, [Singleton.get_state()] * len(words)))
        except (RuntimeError, ValueError, TypeError, NameError, OSError, submitit.core.utils.FailedJobError) as error:
            raise InputError(f"Slurm has not taken the jobs: {shown(one_line(error), 300)}") from error

    def __call__(self, words: list[str], number: int, singletons: dict[Any, Any]) -> None:
        """One rank of a job, in Slurm. Rank 0 runs the job, and the others follow it."""
        from colourize.cli.follow import follow
        from colourize.training.distributed import place, team

        Singleton.set_state(singletons)
        setup_globals()
        at = place.given()
        with _saved_before_the_limit(first=at is None or at.rank == 0):
            if at is not None and at.rank:
                sys.exit(follow(at))
            with contextlib.nullcontext() if at is None else team.leading(at):
                run_job(
                    task_function=self.task_function,
                    config=self._config_of(words, number),
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                    hydra_context=self.hydra_context,
                )

    def checkpoint(self, *given: Any) -> Any:
        """The same job again, which submitit runs after it has requeued a job."""
        return load().helpers.DelayedSubmission(self, *given)


def load() -> Any:
    """Imports submitit.

    Raises:
        InputError: it is not installed.
    """
    try:
        import submitit
    except ModuleNotFoundError as error:
        raise InputError(f"hydra/launcher=submitit_slurm requires submitit: {to_install('slurm')}") from error
    return submitit


@contextlib.contextmanager
def _saved_before_the_limit(first: bool) -> Iterator[None]:
    """Lets submitit's signal before a time limit save the run first; then submitit requeues the job.

    submitit ignores SIGTERM, which Slurm sends before it requeues or cancels a job; here it saves the run.

    Args:
        first: whether this is rank 0, which requeues the job of all.
    """
    warning = getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}")
    requeue: Any = signal.getsignal(warning)
    warned = []

    def save(signum: int, frame: Any) -> None:
        warned.append(signum)
        signal.raise_signal(signal.SIGUSR1)

    for signum in (signal.SIGTERM, signal.SIGCONT):
        signal.signal(signum, signal.SIG_DFL)
    signals.catch()
    signal.signal(warning, save)
    try:
        yield
    except Interrupted:
        if warned and first and callable(requeue):
            requeue(warning, None)
        raise


def _await(jobs: Sequence[Any]) -> None:
    """Waits until each job has a result, or has left the queue for a while: it was cancelled or has failed."""
    waiting, asked = {job.job_id: job.task(0).paths for job in jobs}, -math.inf
    seen = dict.fromkeys(waiting, time.monotonic())
    while waiting:
        time.sleep(LOOK)
        now = time.monotonic()
        if now - asked > ASK:
            known, asked = queue.states(waiting), now
            seen |= {job: now for job in waiting if known is None or job in known}
        for job, paths in list(waiting.items()):
            if paths.result_pickle.exists():
                del waiting[job]
            elif now - seen[job] > GONE:
                log.error("Slurm job %s has left the queue without a result; see %s", job, paths.stderr)
                del waiting[job]


def _folder(config: DictConfig) -> Path:
    return Path(config.hydra.runtime.output_dir)


def _returned(config: DictConfig) -> JobReturn:
    """The result of a job by its folder. The file of submitit is not read, because it may run code."""
    stored, found = manifest.read(_folder(config)), JobReturn(status=JobStatus.COMPLETED)
    found.overrides, found.hydra_cfg = list(config.hydra.overrides.task), OmegaConf.create({"hydra": config.hydra})
    loss = stored.get("metrics", {}).get(LOSSES.decides) if stored.get("status") == "finished" else None
    found.return_value = math.nan if loss is None else float(loss)
    return found
